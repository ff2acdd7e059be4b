"""The scoreboard of a search by path priority as heat maps, one for each part."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.ticker import MaxNLocator

from mmpanonas.visualization.architecture.boxes import choice_label
from mmpanonas.visualization.canvas import (
    FAINT,
    INK,
    Canvas,
    check_suffix,
    save_figure,
    text_width,
)

DPI = 130
#: Blue below, orange above a pale middle: colour-blind eyes tell the two apart.
COLOURS = LinearSegmentedColormap.from_list(
    "scores", ["#1b5a92", "#6fadde", "#f6f8fa", "#f4a742", "#a34a06"]
)

# Lengths in inches, sizes of text in points.
MARGIN = 0.3
CELL_W, CELL_H = 0.38, 0.34
NUMBER, LABEL = 8.5, 9.5
GAP = 0.45  # between panels
HEADER, FOOTER = 0.34, 0.26  # a part's name above its cells, layers below
TITLE_H = 0.95
LEAST_W = 9.8  # panels wrap at the widest one's width, or at this
BAR_W, BAR_H, LEGEND_H = 2.6, 0.17, 0.85


@dataclass(frozen=True)
class _Panel:
    """One part's heat map; ``scores`` are int (layers, choices)."""

    part: str
    choices: tuple[str, ...]
    scores: np.ndarray

    @property
    def name(self) -> str:
        return self.part.replace("_", " ").capitalize()

    @cached_property
    def indent(self) -> float:
        """Width of the choices' names, left of the cells."""
        return max(text_width(choice_label(choice), LABEL) for choice in self.choices) + 0.12

    @cached_property
    def numbers_fit(self) -> bool:
        """Whether every score can be written into its cell."""
        return max(text_width(str(score), NUMBER) for score in self.scores.flat) < 0.9 * CELL_W

    @property
    def width(self) -> float:
        return self.indent + max(len(self.scores) * CELL_W, text_width(self.name, 11, "bold"))

    @property
    def height(self) -> float:
        return HEADER + len(self.choices) * CELL_H + FOOTER

    @property
    def differences(self) -> np.ndarray:
        """Score minus the mean of its layer, float (layers, choices)."""
        return self.scores - self.scores.mean(axis=1, keepdims=True)


def draw_scoreboard(
    scores: Mapping[str, Sequence[Mapping[str, int]]],
    path: str | os.PathLike,
    title: str = "Scoreboard of path priority",
) -> None:
    """Write one heat map per part: layers from left to right, choices from top to bottom.

    ``scores`` holds part by part the score of every layer's choices, by name. A cell says
    the score, where it fits; its colour is the distance from the layer's mean, since layers
    of more choices share the same points among more. Each layer's winner (the first of
    equals) is ringed. In an SVG a cell's text has the id ``part_layer_choice``, a
    ring ``winner_part_layer_choice``; layers count from 0.

    Raises:
        InputError: another suffix than .png or .svg.
        OSError: the file cannot be written.
    """
    check_suffix(path)
    panels = [
        _Panel(part, tuple(layers[0]), np.array([list(layer.values()) for layer in layers]))
        for part, layers in scores.items()
    ]
    places = _places(panels)
    canvas = Canvas(
        max(LEAST_W, *(panel.width for panel in panels)) + 2 * MARGIN,
        max(y + panel.height for panel, (_, y) in zip(panels, places, strict=True)) + LEGEND_H,
        DPI,
    )
    canvas.text(MARGIN, 0.34, title, 16, ha="left", weight="bold")
    rule = "Of n ranked paths the r-th gives n - r points to every choice on it. "
    rule += "Ringed: the winner of the layer."
    canvas.text(MARGIN, 0.66, rule, 10.5, ha="left", color=FAINT)
    limit = max(1.0, *(np.abs(panel.differences).max() for panel in panels))
    norm = Normalize(-limit, limit)
    for panel, (x, y) in zip(panels, places, strict=True):
        _draw_panel(canvas, panel, x, y, norm)
    _draw_colour_bar(canvas, norm)
    save_figure(canvas.figure, path)


def _places(panels: Sequence[_Panel]) -> list[tuple[float, float]]:
    """The top left corners of the panels, which flow like words into rows."""
    limit = MARGIN + max(LEAST_W, *(panel.width for panel in panels))
    x, y, row, places = MARGIN, TITLE_H, 0.0, []
    for panel in panels:
        if x > MARGIN and x + panel.width > limit:
            x, y, row = MARGIN, y + row + GAP / 2, 0.0
        places.append((x, y))
        x, row = x + panel.width + GAP, max(row, panel.height)
    return places


def _draw_panel(canvas: Canvas, panel: _Panel, x: float, y: float, norm: Normalize) -> None:
    """The part's name, the choices' names, and one column of cells for each layer."""
    left, top = x + panel.indent, y + HEADER
    foot = y + panel.height - FOOTER / 2
    canvas.text(left, y + HEADER / 2 - 0.03, panel.name, 11, ha="left", weight="bold")
    for row, choice in enumerate(panel.choices):
        middle = top + (row + 0.5) * CELL_H
        canvas.text(left - 0.08, middle, choice_label(choice), LABEL, ha="right")
    canvas.text(left - 0.08, foot, "layer", 8, ha="right", color=FAINT)
    for layer, differences in enumerate(panel.differences):
        corner = left + layer * CELL_W
        canvas.text(corner + CELL_W / 2, foot, str(layer), 8, color=FAINT)
        names = [f"{panel.part}_{layer}_{choice}" for choice in panel.choices]
        for row, difference in enumerate(differences):
            number = str(panel.scores[layer, row]) if panel.numbers_fit else ""
            face = COLOURS(norm(difference))
            _draw_cell(canvas, corner, top + row * CELL_H, face, number, names[row])
        best = int(panel.scores[layer].argmax())
        _draw_ring(canvas, corner, top + best * CELL_H, f"winner_{names[best]}")


def _draw_cell(
    canvas: Canvas, x: float, y: float, face: tuple[float, ...], number: str, name: str
) -> None:
    canvas.box(x, y, CELL_W, CELL_H, face, "white", radius=0, zorder=2)
    dark = np.dot(face[:3], (0.299, 0.587, 0.114)) < 0.56
    ink = "white" if dark else INK
    middle = (x + CELL_W / 2, y + CELL_H / 2 + 0.01)
    canvas.text(*middle, number, NUMBER, color=ink, gid=name, zorder=3)


def _draw_ring(canvas: Canvas, x: float, y: float, name: str) -> None:
    """A dark line inside a cell's edge, set off by white from whatever the cell's colour is."""
    inset = 0.02
    place = (x + inset, y + inset, CELL_W - 2 * inset, CELL_H - 2 * inset)
    for width, edge, gid in ((4.2, "white", None), (2.0, INK, name)):
        canvas.box(*place, "none", edge, line=width, radius=0.05, zorder=4, gid=gid)


def _draw_colour_bar(canvas: Canvas, norm: Normalize) -> None:
    bottom = canvas.height - LEGEND_H + 0.2
    box = (MARGIN, canvas.height - bottom - BAR_H, BAR_W, BAR_H)
    axes = canvas.figure.add_axes(np.divide(box, (canvas.width, canvas.height) * 2))
    bar = canvas.figure.colorbar(ScalarMappable(norm, COLOURS), cax=axes, orientation="horizontal")
    bar.ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=FAINT, labelsize=8.5)
    canvas.text(
        MARGIN + BAR_W + 0.2,
        bottom + BAR_H / 2,
        "Number: the score of a choice. Colour: its distance from the mean of the layer.",
        9,
        ha="left",
    )
