"""What a released state dict holds, read from its names and shapes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from mmpanonas.convert.naming import Naming
from mmpanonas.errors import InputError
from mmpanonas.space import Arch

#: The kinds of files, as ``--kind`` names them.
KINDS = {
    "detector": "a searched detector",
    "supernet": "a supernet",
    "backbone": "a backbone alone",
}

_HEADS = ("rpn.", "roi_heads.", "seg_branch.", "f2b.")
_STEM = "first_conv.conv.weight"
#: The one convolution that every choice of every block has: number, stage, letter, operation.
_BLOCK = re.compile(
    r"features\.\d+\.(\d+\.)?conv\.0\.interstellar(\d)([a-z])_(\w+)_branch2a\.weight"
)
#: Out channels over hidden ones, which tells the choices apart: the released r16 is 6.
_RATIOS = {4: "r4", 8: "r8", 6: "r16"}


@dataclass(frozen=True)
class Released:
    """A released network.

    Attributes:
        state: its weights by their released names.
        naming: how they are named.
        whole: it is a detector; else a backbone, maybe with a classifier behind it.
        arch: of a searched network, with the parts that it has; None for a supernet.
        channels: of the backbone's stem and stages.
    """

    state: Mapping[str, Tensor]
    naming: Naming
    whole: bool
    arch: Arch | None
    channels: tuple[int, ...]

    @classmethod
    def inspect(cls, state: Mapping[str, Tensor]) -> "Released":
        """Find out what ``state`` is.

        Raises:
            InputError: it is not of Auto-Panoptic or DetNAS, or part of it is missing.
        """
        body = _find_body(state)
        found = sorted(
            (int(match[2]), match[3], match[4], bool(match[1]))
            for match in (_BLOCK.fullmatch(key.removeprefix(body)) for key in state)
            if match
        )
        places = {(stage, letter) for stage, letter, *_ in found}
        blocks = tuple(sum(s == stage for s, _ in places) for stage in range(1, 5))
        if not all(blocks) or sum(blocks) != len(places):
            raise InputError(f"its backbone has {blocks} blocks in stages 1 to 4; some are missing")
        naming = Naming(body, any(numbered for *_, numbered in found), blocks)
        whole = any(key.startswith(_HEADS) for key in state)
        backbone = tuple(_choice(op) for _, _, op, _ in found)
        arch = None
        if not naming.supernet:
            arch = Arch(backbone, **(_searched_heads(state) if whole else {}))
        return cls(state, naming, whole, arch, _channels(state, naming, backbone))

    @property
    def kind(self) -> str:
        """The key of ``KINDS`` that fits best."""
        if self.naming.supernet:
            return "supernet"
        return "detector" if self.whole else "backbone"

    def check_kind(self, kind: str) -> None:
        """Raise ``InputError`` unless the network is of ``kind``."""
        if kind != self.kind and (kind != "backbone" or self.whole):
            start = "the supernet of a" if self.naming.supernet else "a searched"
            what = f"{start} {'detector' if self.whole else 'backbone'}"
            raise InputError(f"holds {what}, not {KINDS[kind]}; pass --kind {self.kind}")


def _find_body(state: Mapping[str, Tensor]) -> str:
    """Prefix of the backbone's keys."""
    stems = [key.removesuffix(_STEM) for key in state if key.endswith(_STEM)]
    if len(stems) == 1 and stems[0] in ("", "body.", "backbone.", "backbone.body."):
        return stems[0]
    if "backbone.stem.conv.weight" in state:
        raise InputError("its names are ours already: it needs no conversion")
    raise InputError(
        f"holds no network of Auto-Panoptic or DetNAS: of its {len(state)} weights "
        f"({next(iter(state))}, ...) none is {_STEM}, with or without backbone.body."
    )


def _choice(operation: str) -> str:
    """Our name of a block's operation; an unknown one is left for ``Arch`` to refuse."""
    return "xception" if operation == "xception_3x3" else operation.replace("shufflenet", "shuffle")


def _channels(
    state: Mapping[str, Tensor], naming: Naming, choices: tuple[str, ...]
) -> tuple[int, ...]:
    """Widths from the first block of each stage: what it projects beside what it makes."""
    widths = [_shape(state, naming.released("backbone.stem.conv.weight"))[0]]
    for stage in range(4):
        before = sum(naming.blocks[:stage])
        choice = choices[before] if not naming.supernet else "shuffle_3x3"
        last = 5 if choice == "xception" else 2
        key = f"backbone.stages.{stage}.0.{choice}.main.{last}.conv.weight"
        widths.append(widths[-1] + _shape(state, naming.released(key))[0])
    return tuple(widths)


def _searched_heads(state: Mapping[str, Tensor]) -> dict[str, tuple[str, ...]]:
    """The choices of all parts but the backbone."""
    layers = {
        "mask_head": (_operation, "roi_heads.mask.feature_extractor.AutoPanoptic_mask_fcn_", 1, 4),
        "semantic_head": (_operation, "seg_branch.subnet0_", 0, 3),
        "things_to_stuff": (_ratio, "f2b.inter_layer", 0, 4),
        "stuff_to_things": (_ratio, "seg_branch.b2f.inter_layer", 0, 5),
    }
    return {
        part: tuple(read(state, f"{name}{first + n}.") for n in range(count))
        for part, (read, name, first, count) in layers.items()
    }


def _operation(state: Mapping[str, Tensor], layer: str) -> str:
    """Kind and kernel of one layer of the heads."""
    kind = "df" if f"{layer}0.conv.conv_offset.weight" in state else "at"
    weight = f"{layer}0.conv.weight"
    if f"{layer}0.depthwise.weight" in state:
        kind, weight = "dw", f"{layer}0.depthwise.weight"
    kernel = _shape(state, weight)[-1]
    return f"{kind}_{kernel}x{kernel}"


def _ratio(state: Mapping[str, Tensor], layer: str) -> str:
    hidden = _shape(state, f"{layer}fc.0.weight")[0]
    channels = _shape(state, f"{layer}fc.2.weight")[0]
    for ratio, choice in _RATIOS.items():
        if channels // ratio == hidden:
            return choice
    raise InputError(
        f"{layer}fc has {hidden} hidden channels for {channels}; expected one in "
        f"{', '.join(map(str, _RATIOS))} of them"
    )


def _shape(state: Mapping[str, Tensor], key: str) -> tuple[int, ...]:
    if key not in state:
        raise InputError(f"it lacks {key}")
    if state[key].ndim < 2:
        raise InputError(f"{key} has shape {tuple(state[key].shape)}; expected a layer's weight")
    return tuple(state[key].shape)
