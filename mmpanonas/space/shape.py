"""The widths of a network: what its cost depends on besides the architecture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated

from mmpanonas.errors import InputError
from mmpanonas.space.arch import Arch
from mmpanonas.space.elastic import depth, scaled
from mmpanonas.space.model import kind_of, value_at
from mmpanonas.space.published import ATTENTION_CHOICES
from mmpanonas.space.widths import places_of
from mmpanonas.values import Count, Kind, Widths, check_fields, number, several, whole

_NORMED_BOX_HEAD = "Shared2FCGNBBoxHead"

Counts = Annotated[Sequence[int], several(whole(0))]

#: What a model config says of an attention, of a region's places and of anchors.
_RATIOS = Kind(
    f"a number of 1 or more for each of {', '.join(ATTENTION_CHOICES)}",
    lambda value: (
        isinstance(value, Mapping) and all(whole(1).fits(value.get(c)) for c in ATTENTION_CHOICES)
    ),
)
_SIDES = whole(1) | several(whole(1), 2)
_ANCHORS = several(number(above=0))


@dataclass(frozen=True)
class NetworkShape:
    """The widths of a network: everything its cost depends on besides the architecture.

    Raises:
        InputError: one is of the wrong kind or range.

    Attributes:
        channels: stem and four stages.
        blocks: searched blocks of the four stages.
        neck_channels: of the feature pyramid, P2 to P6.
        num_things, num_stuff: classes.
        fc_channels: of the two fully connected layers of the box head.
        fc_norm: these have a norm layer instead of a bias (``Shared2FCGNBBoxHead``).
        mask_channels, mask_layers: of the mask head.
        semantic_channels, semantic_layers: of the semantic head.
        rpn_channels, num_anchors: width of the region proposal network, anchors per place.
        box_rois, mask_rois: regions per picture that the box and the mask head see.
        things_to_stuff_ratios, stuff_to_things_ratios: reduction ratio that each choice of
            the attention stands for, in code order.
        box_places, mask_places: of a region as the box and the mask head see it.
        box_agnostic, mask_agnostic: one box, or one mask, for all classes of a region.
        rpn_softmax: two scores for each anchor instead of one.
        neck_norm: the feature pyramid has norm layers instead of biases.
        braided: channels lie so that widths can be sliced (``shuffle="braided"``).
    """

    channels: Widths = (48, 96, 240, 480, 960)
    blocks: Counts = (8, 8, 16, 8)
    neck_channels: Count = 256
    num_things: Count = 80
    num_stuff: Count = 53
    fc_channels: Count = 1024
    fc_norm: bool = False
    mask_channels: Count = 256
    mask_layers: Count = 4
    semantic_channels: Count = 128
    semantic_layers: Count = 3
    rpn_channels: Count = 256
    num_anchors: Count = 3
    box_rois: Count = 1000
    mask_rois: Count = 100
    things_to_stuff_ratios: Widths = (4, 8, 16)
    stuff_to_things_ratios: Widths = (4, 8, 16)
    box_places: Count = 49
    mask_places: Count = 196
    box_agnostic: bool = False
    mask_agnostic: bool = False
    rpn_softmax: bool = False
    neck_norm: bool = True
    braided: bool = False

    def __post_init__(self) -> None:
        check_fields(self)

    def at(self, arch: Arch) -> "NetworkShape":
        """What ``arch`` makes of these widths and blocks."""
        sizes = {}
        if arch.stage_widths:
            pairs = zip(self.channels, arch.stage_widths, strict=True)
            sizes["channels"] = tuple(scaled(width, choice) for width, choice in pairs)
        if arch.stage_depths:
            sizes["blocks"] = tuple(map(depth, arch.stage_depths))
        for part, names in _SCALED.items():
            for choice in getattr(arch, part):
                sizes |= {name: scaled(getattr(self, name), choice) for name in names}
        return _changed(self, tuple(sizes.items())) if sizes else self

    def model_keys(self, model: Mapping) -> dict:
        """Every key of a model's config that is one of these widths, of modules that it has."""
        widths = dict(
            backbone=self.channels,
            pyramid=self.neck_channels,
            rpn=self.rpn_channels,
            mask=self.mask_channels,
            semantic=self.semantic_channels,
        )
        keys: dict = {}
        for name, width in widths.items():
            for _, key, path, of in places_of(model, name):
                node = keys
                for module in path.split(".")[:-1]:
                    node = node.setdefault(module, {})
                node[key] = of(width)
        return keys

    @classmethod
    def of_model(cls, model: Mapping, classes: bool = True) -> "NetworkShape":
        """The widths in a model config; what it leaves to a default is that default.

        ``classes``: also the numbers of classes.

        Raises:
            InputError: it leaves a class count open (None) for the data set to fill in.
        """

        def lookup(path: str) -> object:
            value: object = model
            for key in path.split("."):
                if not isinstance(value, Mapping) or key not in value:
                    return None
                value = value[key]
            if value is None:
                raise InputError(
                    f"model.{path} is open until the annotation file is read: "
                    f"give the data set with --cfg-options data_root=PATH"
                )
            if isinstance(value, Mapping) and path.endswith(("things.ratios", "stuff.ratios")):
                _RATIOS.check(f"model.{path}", value)
                return tuple(value[choice] for choice in ATTENTION_CHOICES)
            return tuple(value) if isinstance(value, list) else value

        paths = {n: p for n, p in _CONFIG_PATHS.items() if classes or n not in _CLASSES}
        found = {name: lookup(path) for name, path in paths.items()}
        anchors = [lookup(f"rpn_head.anchor_generator.{key}") for key in ("scales", "ratios")]
        for each in filter(None, anchors):
            _ANCHORS.check("model.rpn_head.anchor_generator: scales and ratios", each)
        found["fc_norm"] = kind_of(value_at(model, "roi_head.bbox_head", None)) == _NORMED_BOX_HEAD
        found["box_places"] = _area(value_at(model, "roi_head.bbox_head.roi_feat_size", 7))
        size = value_at(model, "roi_head.mask_roi_extractor.roi_layer.output_size", 14)
        found["mask_places"] = _area(size)
        found["box_agnostic"] = value_at(model, "roi_head.bbox_head.reg_class_agnostic", False)
        found["mask_agnostic"] = value_at(model, "roi_head.mask_head.class_agnostic", False)
        found["rpn_softmax"] = not value_at(model, "rpn_head.loss_cls.use_sigmoid", True)
        # A model without a pyramid, of which the backbone alone is counted, has the default.
        found["neck_norm"] = bool(value_at(model, "neck.norm_cfg", "neck" not in model))
        found["braided"] = value_at(model, "backbone.shuffle", None) == "braided"
        found["num_anchors"] = math.prod(map(len, anchors)) if all(anchors) else None
        if found.get("num_things") == 0:
            found["num_things"] = 1  # the thing branch idles, built as for one class
        return cls(**{name: value for name, value in found.items() if value is not None})


@lru_cache(maxsize=4096)
def _changed(shape: NetworkShape, sizes: tuple) -> NetworkShape:
    return replace(shape, **dict(sizes))


#: What the width of a part is a factor of; the region proposal network is as wide as the pyramid.
_SCALED = {
    "pyramid_width": ("neck_channels", "rpn_channels"),
    "mask_width": ("mask_channels",),
    "semantic_width": ("semantic_channels",),
}

_CLASSES = ("num_things", "num_stuff")

#: Where a model config states each width.
_CONFIG_PATHS = {
    "channels": "backbone.channels",
    "blocks": "backbone.blocks",
    "neck_channels": "neck.out_channels",
    "num_things": "roi_head.bbox_head.num_classes",
    "num_stuff": "semantic_head.num_stuff_classes",
    "fc_channels": "roi_head.bbox_head.fc_out_channels",
    "mask_channels": "roi_head.mask_head.conv_out_channels",
    "mask_layers": "roi_head.mask_head.num_convs",
    "semantic_channels": "semantic_head.channels",
    "semantic_layers": "semantic_head.num_layers",
    "rpn_channels": "rpn_head.feat_channels",
    "box_rois": "test_cfg.rpn.max_per_img",
    "mask_rois": "test_cfg.rcnn.max_per_img",
    "things_to_stuff_ratios": "things_to_stuff.ratios",
    "stuff_to_things_ratios": "stuff_to_things.ratios",
}


def _area(size: int | Sequence[int]) -> int:
    """Places of a square of this side, or of a height and a width."""
    _SIDES.check("model.roi_head: size of a region", size)
    return math.prod(size) if isinstance(size, Sequence) else size * size
