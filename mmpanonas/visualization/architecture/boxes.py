"""The boxes of an architecture diagram: one for each choice, in chains that wrap."""

import re
from collections.abc import Sequence
from math import ceil

from mmpanonas.space import OPERATIONS, Conv, Operation
from mmpanonas.visualization.canvas import CARD, CARD_EDGE, FAINT, INK, TIMES, Canvas

#: Of a layer that is not searched.
PLAIN = Operation("conv", "Conv 3x3", "#dfe4e9", (Conv(3),))

# Lengths in inches.
BOX_W, BOX_H, GAP = 0.74, 0.4, 0.14
ROW = BOX_H + 0.22  # from one row of boxes to the next
PAD = 0.17  # between a card's edge and its boxes


def choice_label(choice: str) -> str:
    """What a box says: of ``df_3x3`` "DF 3x3", of ``r16`` "r = 16" (with a real times sign)."""
    return re.sub(r"(?<=\d)x(?=\d)", TIMES, _operation(choice).label)


def choice_colours(choice: str) -> tuple[str, str]:
    """Face colour and text colour of a choice's box."""
    operation = _operation(choice)
    return operation.colour, "white" if operation.dark else INK


def _operation(choice: str) -> Operation:
    return PLAIN if choice == PLAIN.name else OPERATIONS[choice]


def chain_height(layers: int, columns: int) -> float:
    """Inches that a chain of ``layers`` boxes takes at ``columns`` boxes a row."""
    return ceil(layers / columns) * ROW - (ROW - BOX_H)


def draw_card(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    """The pale panel under a group of boxes."""
    canvas.box(x, y, width, height, CARD, CARD_EDGE, radius=0.1, zorder=1)


def draw_choice(
    canvas: Canvas, x: float, y: float, choice: str, name: str, width: float = BOX_W
) -> None:
    """One box; ``name`` becomes the id of its text in an SVG."""
    face, ink = choice_colours(choice)
    canvas.box(x, y, width, BOX_H, face, INK, line=0.7, zorder=2)
    canvas.text(
        x + width / 2, y + BOX_H / 2, choice_label(choice), 9.5, color=ink, gid=name, zorder=3
    )


def draw_stride_mark(canvas: Canvas, x: float, y: float) -> None:
    """The dark badge "/2" centred on a box's top left corner at (x, y)."""
    canvas.box(x - 0.1, y - 0.09, 0.24, 0.18, INK, "white", line=0.8, radius=0.05, zorder=4)
    canvas.text(x + 0.02, y + 0.002, "/2", 7.5, color="white", weight="bold", zorder=5)


def draw_chain(
    canvas: Canvas, x: float, y: float, choices: Sequence[str], columns: int, name: str
) -> None:
    """Boxes from left to right in rows of ``columns``, joined in order by lines."""
    for place, choice in enumerate(choices):
        row, column = divmod(place, columns)
        left, top = x + column * (BOX_W + GAP), y + row * ROW
        draw_choice(canvas, left, top, choice, f"{name}_{place}_{choice}")
        middle = top + BOX_H / 2
        if column:
            canvas.arrow([(left - GAP, middle), (left, middle)], 1.1, FAINT)
        elif row:
            right = x + columns * (BOX_W + GAP) - GAP
            between, start = top - (ROW - BOX_H) / 2, right - BOX_W / 2
            canvas.arrow(
                [
                    (start, top - ROW + BOX_H),
                    (start, between),
                    (left + BOX_W / 2, between),
                    (left + BOX_W / 2, top),
                ],
                1.1,
                FAINT,
            )
