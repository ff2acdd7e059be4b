"""Widths and depths as parts of an architecture (beyond the paper).

A width is a factor of what a model's config says, such as "x150"; a depth is how many blocks of a
stage there are, such as "d6", the last ones left out. A network without such a part has the widths
and the depths of its config.
"""

from collections.abc import Iterator, Sequence

from mmpanonas.space import published  # noqa: F401 (its parts come first)
from mmpanonas.space.operations import (
    OPERATIONS,
    Operation,
    PartKind,
    register_operation,
    register_part,
)

#: Channels that a scaled width is a multiple of: a block's quarters, and groups of norms.
MULTIPLE = 4

FACTORS = (25, 33, 50, 67, 75, 100, 125, 150, 175, 200, 250, 300, 400)
DEPTHS = range(1, 33)

#: From light to dark with the size.
_COLOURS = ("#eef3e2", "#dbe8c3", "#c3d99d", "#a7c678", "#8ab057", "#6f963d", "#557a2a", "#3e5d1d")


def _colour(place: int, count: int) -> dict:
    shade = place * len(_COLOURS) // count
    return dict(colour=_COLOURS[shade], dark=shade >= len(_COLOURS) // 2)


for _place, _percent in enumerate(FACTORS):
    register_operation(
        Operation(
            f"x{_percent}", f"x{_percent / 100:g}", **_colour(_place, len(FACTORS)),
            factor=_percent / 100,
        )
    )  # fmt: skip
for _depth in DEPTHS:
    register_operation(
        Operation(f"d{_depth}", f"{_depth}", **_colour(_depth - 1, len(DEPTHS)), depth=_depth)
    )

_WIDTHS = tuple(f"x{percent}" for percent in FACTORS)
STAGES = ("stem", "stage 1", "stage 2", "stage 3", "stage 4")
for _part in (
    PartKind("stage_widths", _WIDTHS, sizes=STAGES),
    PartKind("stage_depths", tuple(f"d{depth}" for depth in DEPTHS), sizes=STAGES[1:]),
    PartKind("pyramid_width", _WIDTHS, sizes=("pyramid",)),
    PartKind("mask_width", _WIDTHS, sizes=("mask head",)),
    PartKind("semantic_width", _WIDTHS, sizes=("semantic head",)),
):
    register_part(_part)


def scaled(width: int, choice: str) -> int:
    """``width`` times the factor of ``choice``, to the next multiple of ``MULTIPLE``, one at least.

    The width itself for "x100".
    """
    factor = OPERATIONS[choice].factor
    if factor == 1:
        return width
    return MULTIPLE * max(1, int(width * factor / MULTIPLE + 0.5))


def depth(choice: str) -> int:
    """Blocks that ``choice`` leaves of a stage."""
    return OPERATIONS[choice].depth


def skipped(depths: Sequence[str], blocks: Sequence[int]) -> Iterator[int]:
    """Places, over all stages, of the blocks that ``depths`` leave out of ``blocks``."""
    start = 0
    for choice, count in zip(depths, blocks, strict=True):
        yield from range(start + depth(choice), start + count)
        start += count
