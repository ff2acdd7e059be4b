"""A searched architecture as a diagram: every block a box, the heads beside.

The backbone is read like a page: stages from top to bottom, blocks from left to right,
at most eight in a row. Heads and attention that the architecture lacks are
drawn as the plain convolutions that take their place, or left out (attention).
"""

import os
from dataclasses import dataclass
from itertools import pairwise

from mmpanonas.space import Arch, Cost, NetworkShape, backbone_cost
from mmpanonas.space.cost import kept_blocks
from mmpanonas.visualization.architecture.boxes import (
    BOX_H,
    BOX_W,
    GAP,
    PAD,
    PLAIN,
    chain_height,
    choice_colours,
    choice_label,
    draw_card,
    draw_chain,
    draw_stride_mark,
)
from mmpanonas.visualization.architecture.heads import (
    HEADS_W,
    draw_heads,
    head_cards,
    head_families,
    heads_height,
    other_operations,
)
from mmpanonas.visualization.canvas import (
    FAINT,
    INK,
    TIMES,
    Canvas,
    check_suffix,
    save_figure,
    text_width,
)

TABLE_1 = NetworkShape()  # the widths of the paper's search
DPI = 130
BLOCKS_PER_ROW = 8

# Lengths in inches.
MARGIN = 0.3
LABEL = 1.2  # the column that names the stages
STAGE_GAP = 0.26
LEVEL_W, LEVEL_H = 0.72, 0.46
PYRAMID_GAP = 0.4  # on either side of the pyramid's levels
TITLE_H, LEGEND_ROW = 0.95, 0.3


def draw_arch(
    arch: Arch,
    path: str | os.PathLike,
    shape: NetworkShape = TABLE_1,
    title: str | None = None,
) -> None:
    """Write the diagram of ``arch`` to ``path``, a PNG or an SVG by its suffix.

    ``shape`` gives the widths and the blocks of each stage, which ``arch`` may change.
    Multiply-accumulates and parameters under the title are the backbone's at 224 x 224.

    Raises:
        ArchError: the architecture has another number of blocks than ``shape``.
        InputError: another suffix than .png or .svg.
        OSError: the file cannot be written.
    """
    check_suffix(path)
    cost = backbone_cost(arch, shape)
    if arch.stage_depths:
        arch = arch.replace(backbone=kept_blocks(arch, shape))
    shape = shape.at(arch)
    cards = head_cards(arch, shape)
    layout = _Layout.of(shape, heads_height(cards))
    canvas = Canvas(layout.width, layout.height, DPI)
    _draw_title(canvas, title or "Searched architecture", cost)
    _draw_backbone(canvas, arch, shape, layout)
    tap = _draw_pyramid(canvas, shape, layout)
    draw_heads(canvas, cards, layout.heads_x, TITLE_H, layout.bottom, tap)
    _draw_legend(canvas, arch, layout)
    save_figure(canvas.figure, path)


@dataclass(frozen=True)
class _Layout:
    """Where things lie, in inches from the top left corner."""

    columns: int
    tops: tuple[float, ...]  # of the stem's and the four stages' cards
    heights: tuple[float, ...]
    right: float  # edge of the backbone's cards
    bottom: float  # edge of everything but the legend

    @property
    def pyramid_x(self) -> float:
        return self.right + PYRAMID_GAP

    @property
    def heads_x(self) -> float:
        return self.pyramid_x + LEVEL_W + PYRAMID_GAP

    @property
    def width(self) -> float:
        return self.heads_x + HEADS_W + MARGIN

    @property
    def height(self) -> float:
        return self.bottom + 0.2 + 2 * LEGEND_ROW + 0.12

    @classmethod
    def of(cls, shape: NetworkShape, heads: float) -> "_Layout":
        """Place the cards; tall heads stretch the gaps between the stages."""
        columns = min(BLOCKS_PER_ROW, max(*shape.blocks, 4))
        heights = [chain_height(n, columns) + 2 * PAD for n in (1, *shape.blocks)]
        gap, below = STAGE_GAP, STAGE_GAP + LEVEL_H  # P6 hangs below the last stage
        gaps = len(heights) - 1
        gap += max(0.0, heads - sum(heights) - gaps * gap - below) / gaps
        tops = [TITLE_H + sum(heights[:i]) + i * gap for i in range(len(heights))]
        right = MARGIN + LABEL + columns * (BOX_W + GAP) - GAP + PAD
        return cls(columns, tuple(tops), tuple(heights), right, tops[-1] + heights[-1] + below)


def _draw_title(canvas: Canvas, title: str, cost: Cost) -> None:
    room = (canvas.width - 2 * MARGIN) / text_width(title, 16, weight="bold")
    canvas.text(MARGIN, 0.34, title, 16 * min(1.0, room), ha="left", weight="bold")
    macs, params = cost.macs, cost.params
    line = (
        f"backbone at 224{TIMES}224: "
        + (f"{macs / 1e9:.3f} G" if macs >= 1e8 else f"{macs / 1e6:.1f} M")
        + " multiply-accumulates, "
        + (f"{params / 1e6:.2f} M" if params >= 1e6 else f"{params / 1e3:.1f} k")
        + " parameters"
    )
    canvas.text(MARGIN, 0.66, line, 10.5, ha="left", color=FAINT)


def _draw_backbone(canvas: Canvas, arch: Arch, shape: NetworkShape, layout: _Layout) -> None:
    """The stem's card and one card per stage, each with its label, joined downwards."""
    width, boxes = layout.right - MARGIN, MARGIN + LABEL
    start = 0
    for stage, (top, height) in enumerate(zip(layout.tops, layout.heights, strict=True)):
        draw_card(canvas, MARGIN, top, width, height)
        _draw_stage_label(canvas, stage, shape.channels[stage], top + height / 2)
        if stage == 0:
            _draw_stem(canvas, boxes, top + PAD)
        else:
            above = layout.tops[stage - 1] + layout.heights[stage - 1]
            canvas.arrow([(boxes + BOX_W / 2, above), (boxes + BOX_W / 2, top)], 1.6, FAINT)
            choices = arch.backbone[start : start + shape.blocks[stage - 1]]
            draw_chain(canvas, boxes, top + PAD, choices, layout.columns, f"stage{stage}")
            start += len(choices)
        draw_stride_mark(canvas, boxes, top + PAD)


def _draw_stem(canvas: Canvas, x: float, y: float) -> None:
    width = 2 * BOX_W + GAP
    canvas.box(x, y, width, BOX_H, PLAIN.colour, INK, line=0.7, zorder=2)
    canvas.text(
        x + width / 2, y + BOX_H / 2, f"Conv 3{TIMES}3, BN, ReLU", 9.5, gid="stem", zorder=3
    )


def _draw_stage_label(canvas: Canvas, stage: int, channels: int, y: float) -> None:
    left = MARGIN + 0.14
    name = f"Stage {stage}" if stage else "Stem"
    canvas.text(left, y - 0.19, name, 11, ha="left", weight="bold")
    canvas.text(left, y + 0.02, f"{channels} channels", 8.5, ha="left", color=FAINT)
    canvas.text(left, y + 0.19, f"stride {2 ** (stage + 1)}", 8.5, ha="left", color=FAINT)


def _draw_pyramid(canvas: Canvas, shape: NetworkShape, layout: _Layout) -> tuple:
    """P2 to P5 beside their stages, P6 below; returns the lower end of their common line."""
    x, middle = layout.pyramid_x, layout.pyramid_x + LEVEL_W / 2
    bus = x + LEVEL_W + PYRAMID_GAP / 2
    centres = [t + h / 2 for t, h in zip(layout.tops, layout.heights, strict=True)]
    canvas.text(middle, centres[0] - 0.09, "FPN", 11, weight="bold")
    canvas.text(middle, centres[0] + 0.12, f"{shape.neck_channels} channels", 8.5, color=FAINT)
    levels = [*centres[1:], layout.bottom - LEVEL_H / 2]
    for place, y in enumerate(levels):
        canvas.box(x, y - LEVEL_H / 2, LEVEL_W, LEVEL_H, "white", INK, line=1.0, zorder=2)
        canvas.text(middle, y - 0.08, f"P{place + 2}", 10.5, weight="bold", zorder=3)
        canvas.text(middle, y + 0.11, f"stride {4 << place}", 8, color=FAINT, zorder=3)
        canvas.line([(x + LEVEL_W, y), (bus, y)])
        if place < len(levels) - 1:
            canvas.arrow([(layout.right, y), (x, y)])
    for upper, lower in pairwise(levels[:-1]):
        canvas.arrow([(middle, lower - LEVEL_H / 2), (middle, upper + LEVEL_H / 2)])
    canvas.arrow([(middle, levels[-2] + LEVEL_H / 2), (middle, levels[-1] - LEVEL_H / 2)])
    return bus, levels[-1]


def _draw_legend(canvas: Canvas, arch: Arch, layout: _Layout) -> None:
    """Two lines under the diagram: the backbone's blocks, the heads' operations."""
    y = layout.bottom + 0.2 + LEGEND_ROW / 2
    kernels = ("shuffle_3x3", "shuffle_5x5", "shuffle_7x7")
    blocks = [(choice_label(kernel), (choice_colours(kernel)[0],), "") for kernel in kernels]
    blocks[-1] = (*blocks[-1][:2], "ShuffleNetV2 block with this depthwise kernel")
    blocks.append(("Xception", (choice_colours("xception")[0],), f"three depthwise 3{TIMES}3"))
    blocks += other_operations(arch.backbone, "backbone")
    x = _draw_legend_row(canvas, blocks, MARGIN, y)
    draw_stride_mark(canvas, x + 0.1, y)
    canvas.text(x + 0.3, y, "stride 2", 9, ha="left")
    _draw_legend_row(canvas, head_families(arch), MARGIN, y + LEGEND_ROW)


def _draw_legend_row(canvas: Canvas, rows: list, x: float, y: float) -> float:
    """Swatches, short name and meaning of each row side by side; returns where it ends."""
    for short, faces, meaning in rows:
        for face in faces:
            canvas.box(x, y - 0.085, 0.26, 0.17, face, INK, line=0.6, radius=0.04)
            x += 0.3
        text = f"{short}: {meaning}" if meaning else short
        canvas.text(x + 0.04, y, text, 9, ha="left")
        x += 0.3 + text_width(text, 9)
    return x
