"""Where a weight of ours stands in the released networks.

Names are made from ours, one for one, so that a key that fits none is found, not guessed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from mmpanonas.errors import InputError
from mmpanonas.space import BACKBONE_CHOICES, PART_CHOICES

_BLOCK = re.compile(r"backbone\.stages\.(\d+)\.(\d+)\.(\w+)\.(main|proj)\.(\d)\.(conv|bn)\.(\w+)")
_LAYER = re.compile(r"(.+)\.(\d+)\.((?:dw|df|at)_\dx\d)\.(.+)")
_GATE = re.compile(r"(\w+)\.gates\.(\d+)\.(r\d+)\.fc([12])\.(\w+)")
_LEVEL = re.compile(r"neck\.(lateral|fpn)_convs\.(\d)\.(conv|gn)\.(\w+)")

#: The searched layers of each part: our prefix, the part, theirs up to the layer's number.
_LAYERS = {
    "roi_head.mask_head.convs": (
        "mask_head",
        "roi_heads.mask.feature_extractor.AutoPanoptic_mask_fcn_",
        1,
    ),
    "semantic_head.layers": ("semantic_head", "seg_branch.subnet0_", 0),
}
_GATES = {
    "things_to_stuff": "f2b.inter_layer",
    "stuff_to_things": "seg_branch.b2f.inter_layer",
}

#: Within a layer of the heads: ours, theirs.
_OPERATION = (
    ("pointwise.conv.", "0.pointwise."),
    ("pointwise.gn.", "1.groupnorm."),
    ("depthwise.", "0.depthwise."),
    ("conv.", "0.conv."),
    ("gn.", "1.groupnorm."),
)

#: Everything else: ours, theirs.
_PLAIN = (
    ("rpn_head.rpn_conv.", "rpn.head.conv."),
    ("rpn_head.rpn_cls.", "rpn.head.cls_logits."),
    ("rpn_head.rpn_reg.", "rpn.head.bbox_pred."),
    ("roi_head.bbox_head.shared_fcs.0.fc.", "roi_heads.box.feature_extractor.fc6.0."),
    ("roi_head.bbox_head.shared_fcs.0.gn.", "roi_heads.box.feature_extractor.fc6.1."),
    ("roi_head.bbox_head.shared_fcs.1.fc.", "roi_heads.box.feature_extractor.fc7.0."),
    ("roi_head.bbox_head.shared_fcs.1.gn.", "roi_heads.box.feature_extractor.fc7.1."),
    ("roi_head.bbox_head.fc_cls.", "roi_heads.box.predictor.cls_score."),
    ("roi_head.bbox_head.fc_reg.", "roi_heads.box.predictor.bbox_pred."),
    ("roi_head.mask_head.upsample.", "roi_heads.mask.predictor.conv5_mask."),
    ("roi_head.mask_head.conv_logits.", "roi_heads.mask.predictor.mask_fcn_logits."),
    ("semantic_head.conv_logits.", "seg_branch.score."),
)


@dataclass(frozen=True)
class Naming:
    """How one released network names its weights.

    Attributes:
        body: prefix of the backbone's keys: "backbone.body." in a searched detector,
            "backbone." in a supernet, "" in a classifier.
        supernet: each layer holds every choice, by number.
        blocks: of the four stages.
    """

    body: str
    supernet: bool
    blocks: Sequence[int]

    @property
    def fpn(self) -> str:
        """Prefix of the feature pyramid's keys."""
        return "backbone.fpn." if self.body == "backbone.body." else "fpn."

    def released(self, key: str) -> str:
        """The released name of our weight ``key``.

        Raises:
            InputError: the released networks have no such weight.
        """
        if key.startswith("backbone.stem."):
            return key.replace("backbone.stem.", f"{self.body}first_conv.")
        if match := _BLOCK.fullmatch(key):
            return self.body + self._block(*match.groups())
        if match := _LEVEL.fullmatch(key):
            kind, level, layer, leaf = match.groups()
            name = {"lateral": "inner", "fpn": "layer"}[kind]
            return f"{self.fpn}fpn_{name}{int(level) + 2}.{('conv', 'gn').index(layer)}.{leaf}"
        if match := _GATE.fullmatch(key):
            part, place, choice, number, leaf = match.groups()
            inside = f"fc.{(int(number) - 1) * 2}.{leaf}"
            return f"{_GATES[part]}{place}.{self._number(part, choice)}{inside}"
        if (match := _LAYER.fullmatch(key)) and match[1] in _LAYERS:
            part, theirs, first = _LAYERS[match[1]]
            where = f"{theirs}{int(match[2]) + first}.{self._number(part, match[3])}"
            return where + _replace_start(match[4], _OPERATION)
        return _replace_start(key, _PLAIN)

    def _number(self, part: str, choice: str) -> str:
        return f"{PART_CHOICES[part].index(choice)}." if self.supernet else ""

    def _block(
        self, stage: str, place: str, choice: str, branch: str, step: str, layer: str, leaf: str
    ) -> str:
        """One convolution or norm of a block.

        The released branch is a row of pairs, depthwise then pointwise; the first pair of a
        shuffle block has no depthwise part.
        """
        index = sum(self.blocks[: int(stage)]) + int(place)
        where = f"features.{index}.{self._number('backbone', choice)}"
        label = f"{int(stage) + 1}{ascii_lowercase[int(place)]}"
        if branch == "proj":
            unit, name, pointwise = "proj_conv", f"{label}_proj", step == "1"
        else:
            xception = choice == BACKBONE_CHOICES[-1]
            pair, pointwise = divmod(int(step) + (not xception), 2)
            op = "xception_3x3" if xception else choice.replace("shuffle", "shufflenet")
            unit, name = f"conv.{pair}", f"{label}_{op}_branch2{'abc'[pair]}"
        if layer == "bn":
            name = f"bn{name}" if pointwise else f"interstellar{name}_s_bn"
        else:
            name = f"interstellar{name}" if pointwise else f"interstellar{name}_s"
        return f"{where}{unit}.{name}.{leaf}"


def _replace_start(key: str, table: Sequence[tuple[str, str]]) -> str:
    for ours, theirs in table:
        if key.startswith(ours):
            return theirs + key.removeprefix(ours)
    raise InputError(
        f"the config's network has {key}, which the released networks lack; give --config one "
        f"with their conventions (configs/auto_panoptic/coco/released_*.py)"
    )
