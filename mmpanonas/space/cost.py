"""Multiply-accumulates and parameters of an architecture, without building a network.

Counted are convolutions, transposed convolutions and fully connected layers (one
multiply-accumulate each per weight use, biases free); parameters are all learnable
ones, norm layers and biases included. Sizes are in pixels of the network's input.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from mmpanonas.errors import InputError
from mmpanonas.space.arch import BACKBONE_CHOICES, Arch, ArchError

#: The convolution parts of SPEC section 2 are counted at this input size there.
IMAGENET_SIZE = (224, 224)


@dataclass(frozen=True)
class Cost:
    """Multiply-accumulates of one forward pass of one picture, and parameters."""

    macs: int = 0
    params: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.macs + other.macs, self.params + other.params)

    def __radd__(self, other: int) -> "Cost":
        return self if other == 0 else NotImplemented  # lets sum() start from 0


@dataclass(frozen=True)
class NetworkShape:
    """The widths of a network: everything its cost depends on besides the architecture.

    Attributes:
        channels: stem and four stages (SPEC section 2).
        blocks: searched blocks of the four stages.
        neck_channels: of the feature pyramid, P2 to P6.
        num_things, num_stuff: classes.
        fc_channels: of the two fully connected layers of the box head.
        mask_channels, mask_layers: of the mask head.
        semantic_channels, semantic_layers: of the semantic head.
        rpn_channels, num_anchors: width of the region proposal network, anchors per place.
        box_rois, mask_rois: regions per picture that the box and the mask head see.
    """

    channels: tuple[int, ...] = (48, 96, 240, 480, 960)
    blocks: tuple[int, ...] = (8, 8, 16, 8)
    neck_channels: int = 256
    num_things: int = 80
    num_stuff: int = 53
    fc_channels: int = 1024
    mask_channels: int = 256
    mask_layers: int = 4
    semantic_channels: int = 128
    semantic_layers: int = 3
    rpn_channels: int = 256
    num_anchors: int = 3
    box_rois: int = 1000
    mask_rois: int = 100

    @classmethod
    def of_model(cls, model: Mapping) -> "NetworkShape":
        """The widths in a model config; what it leaves to a default is that default.

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
            return tuple(value) if isinstance(value, list) else value

        found = {name: lookup(path) for name, path in _CONFIG_PATHS.items()}
        anchors = [lookup(f"rpn_head.anchor_generator.{key}") for key in ("scales", "ratios")]
        found["num_anchors"] = math.prod(map(len, anchors)) if all(anchors) else None
        return cls(**{name: value for name, value in found.items() if value is not None})


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
}


def _conv(cin: int, cout: int, kernel: int, places: int, groups: int = 1, bias: int = 0) -> Cost:
    weights = kernel * kernel * (cin // groups) * cout
    return Cost(weights * places, weights + bias * cout)


def _norm(channels: int) -> Cost:
    return Cost(0, 2 * channels)


def _half(size: tuple[int, int]) -> tuple[int, int]:
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def _depthwise(channels: int, kernel: int, places: int) -> Cost:
    return _conv(channels, channels, kernel, places, groups=channels) + _norm(channels)


def _pointwise(cin: int, cout: int, places: int) -> Cost:
    return _conv(cin, cout, 1, places) + _norm(cout)


@lru_cache(maxsize=4096)
def block_cost(
    choice: str, cin: int, cout: int, stride: int, size_in: tuple[int, int], size_out: tuple
) -> Cost:
    """Cost of one searched block (SPEC section 2), batch norms included."""
    before, after = size_in[0] * size_in[1], size_out[0] * size_out[1]
    kernel = 3 if choice == "xception" else int(choice[-1])
    branch_in, branch_out = (cin, cout - cin) if stride == 2 else (cin // 2, cout - cin // 2)
    mid = cout // 2
    cost = Cost()
    if stride == 2:
        cost += _depthwise(cin, kernel, after) + _pointwise(cin, cin, after)
    if choice == "xception":
        for width_in, width_out in ((branch_in, mid), (mid, mid), (mid, branch_out)):
            cost += _depthwise(width_in, 3, after) + _pointwise(width_in, width_out, after)
        return cost
    cost += _pointwise(branch_in, mid, before)
    return cost + _depthwise(mid, kernel, after) + _pointwise(mid, branch_out, after)


def _blocks(shape: NetworkShape, size: tuple[int, int]):
    """Yield ``(cin, cout, stride, size_in, size_out)`` of every searched block."""
    size, cin = _half(size), shape.channels[0]
    for cout, depth in zip(shape.channels[1:], shape.blocks, strict=True):
        for place in range(depth):
            stride = 2 if place == 0 else 1
            size_out = _half(size) if stride == 2 else size
            yield cin, cout, stride, size, size_out
            cin, size = cout, size_out


def _stem_cost(shape: NetworkShape, size: tuple[int, int]) -> Cost:
    height, width = _half(size)
    return _conv(3, shape.channels[0], 3, height * width, bias=1) + _norm(shape.channels[0])


def backbone_cost(
    arch: Arch, shape: NetworkShape = NetworkShape(), size: Sequence[int] = IMAGENET_SIZE
) -> Cost:
    """Cost of the backbone for an input of ``size`` (height, width).

    Raises:
        ArchError: the architecture has another number of blocks than ``shape``.
    """
    if len(arch.backbone) != sum(shape.blocks):
        raise ArchError(f"backbone: expected {sum(shape.blocks)} choices, got {len(arch.backbone)}")
    places = zip(arch.backbone, _blocks(shape, tuple(size)), strict=True)
    return _stem_cost(shape, tuple(size)) + sum(block_cost(c, *block) for c, block in places)


def network_cost(
    arch: Arch, shape: NetworkShape = NetworkShape(), size: Sequence[int] = (800, 1333)
) -> dict[str, Cost]:
    """Cost of every module of the whole network for an input of ``size``, by its name.

    The heads' regions are as many as ``shape`` says, whatever the picture holds.
    """
    levels = _pyramid_sizes(tuple(size))
    return {
        "backbone": backbone_cost(arch, shape, size),
        "neck": _neck_cost(shape, levels),
        "rpn_head": _rpn_cost(shape, levels),
        "bbox_head": _bbox_cost(shape),
        "mask_head": _mask_cost(shape),
        "semantic_head": _semantic_cost(shape, levels),
    }


def cost_range(
    shape: NetworkShape = NetworkShape(),
    size: Sequence[int] = IMAGENET_SIZE,
    quantity: str = "macs",
) -> tuple[int, int]:
    """Smallest and largest ``quantity`` ("macs" or "params") of any backbone of the space."""
    low = high = getattr(_stem_cost(shape, tuple(size)), quantity)
    for block in _blocks(shape, tuple(size)):
        costs = [getattr(block_cost(choice, *block), quantity) for choice in BACKBONE_CHOICES]
        low, high = low + min(costs), high + max(costs)
    return low, high


def _pyramid_sizes(size: tuple[int, int]) -> list[int]:
    """Number of places on P2 to P6."""
    sizes = [_half(size)]
    for _ in range(5):
        sizes.append(_half(sizes[-1]))
    return [height * width for height, width in sizes[1:]]


def _neck_cost(shape: NetworkShape, levels: list[int]) -> Cost:
    width = shape.neck_channels
    lateral = (_pointwise(c, width, n) for c, n in zip(shape.channels[1:], levels, strict=False))
    smooth = (_conv(width, width, 3, n) + _norm(width) for n in levels[:4])
    return sum(lateral) + sum(smooth)


def _rpn_cost(shape: NetworkShape, levels: list[int]) -> Cost:
    width, places = shape.rpn_channels, sum(levels)
    return _conv(shape.neck_channels, width, 3, places, bias=1) + _conv(
        width, 5 * shape.num_anchors, 1, places, bias=1
    )


def _bbox_cost(shape: NetworkShape) -> Cost:
    rois, width = shape.box_rois, shape.fc_channels
    return (
        _conv(49 * shape.neck_channels, width, 1, rois, bias=1)
        + _conv(width, width, 1, rois, bias=1)
        + _conv(width, 5 * shape.num_things + 1, 1, rois, bias=1)
    )


def _mask_cost(shape: NetworkShape) -> Cost:
    places, width = 14 * 14 * shape.mask_rois, shape.mask_channels
    widths = [shape.neck_channels] + [width] * shape.mask_layers
    convs = (_conv(a, b, 3, places) + _norm(b) for a, b in pairwise(widths))
    upsample = _conv(width, width, 2, places, bias=1)
    return sum(convs) + upsample + _conv(width, shape.num_things, 1, 4 * places, bias=1)


def _semantic_cost(shape: NetworkShape, levels: list[int]) -> Cost:
    places, width = sum(levels[:4]), shape.semantic_channels
    widths = [shape.neck_channels] + [width] * shape.semantic_layers
    convs = (_conv(a, b, 3, places) + _norm(b) for a, b in pairwise(widths))
    return sum(convs) + _conv(4 * width, shape.num_stuff + 1, 1, levels[0], bias=1)
