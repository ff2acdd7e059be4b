"""Heat maps of a search, one for each part: how often a choice was taken, the points it has."""

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
from mmpanonas.visualization.charts.population import ChoiceShares, part_title

DPI = 130
#: Blue below, orange above a pale middle: colour-blind eyes tell the two apart.
BELOW_TO_ABOVE = LinearSegmentedColormap.from_list(
    "scores", ["#1b5a92", "#6fadde", "#f6f8fa", "#f4a742", "#a34a06"]
)
PALE_TO_DARK = LinearSegmentedColormap.from_list("shares", ["#f6f8fa", "#6fadde", "#123f68"])

# Lengths in inches, sizes of text in points.
MARGIN = 0.3
CELL_W, CELL_H = 0.38, 0.34
NUMBER, LABEL = 8.5, 9.5
GAP = 0.45  # between maps
HEADER, FOOTER = 0.34, 0.26  # a part's name above its cells, layers below
TITLE_H = 0.95
LEAST_W = 9.8  # maps wrap at the widest one's width, or at this
BAR_W, BAR_H, LEGEND_H = 2.6, 0.17, 0.85


@dataclass(frozen=True)
class _Map:
    """One part: ``numbers`` are written into the cells, ``shades`` (layers, choices) colour them.

    The largest of each layer of ``shades``, the first of equals, is ringed. NaN: no such choice.
    """

    part: str
    choices: tuple[str, ...]
    numbers: Sequence[Sequence[str]]
    shades: np.ndarray

    @cached_property
    def indent(self) -> float:
        """Width of the choices' names, left of the cells."""
        return max(text_width(choice_label(choice), LABEL) for choice in self.choices) + 0.12

    @cached_property
    def numbers_fit(self) -> bool:
        """Whether every number can be written into its cell."""
        widest = max(text_width(text, NUMBER) for layer in self.numbers for text in layer)
        return widest < 0.9 * CELL_W

    @property
    def width(self) -> float:
        name = text_width(part_title(self.part), 11, "bold")
        return self.indent + max(len(self.shades) * CELL_W, name)

    @property
    def height(self) -> float:
        return HEADER + len(self.choices) * CELL_H + FOOTER


def draw_choice_maps(shares: ChoiceShares, path: str | os.PathLike) -> None:
    """Write how often each choice of each layer was taken, in percent; see :func:`_drawn`.

    Raises:
        InputError: another suffix than .png or .svg.
    """
    maps = []
    for part, layers in shares.items():
        values = np.array([list(layer.values()) for layer in layers])
        numbers = [[f"{100 * value:.0f}" for value in layer] for layer in values]
        maps.append(_Map(part, tuple(layers[0]), numbers, values))
    canvas = _drawn(maps, PALE_TO_DARK, Normalize(0, 1), top=0.0, foot=0.0)
    save_figure(canvas.figure, path)


def draw_scoreboard(
    scores: Mapping[str, Sequence[Mapping[str, int]]],
    path: str | os.PathLike,
    title: str = "Scoreboard of path priority",
) -> None:
    """Write the points of each choice of each layer; see :func:`_drawn`.

    ``scores`` holds part by part the score of every layer's choices, by name. A cell's colour
    is the distance from the layer's mean, since layers of more choices share the same points
    among more.

    Raises:
        InputError: another suffix than .png or .svg.
        OSError: the file cannot be written.
    """
    check_suffix(path)
    maps = [_score_map(part, layers) for part, layers in scores.items()]
    limit = max(1.0, *(np.nanmax(np.abs(each.shades)) for each in maps))
    norm = Normalize(-limit, limit)
    canvas = _drawn(maps, BELOW_TO_ABOVE, norm, TITLE_H, LEGEND_H)
    canvas.text(MARGIN, 0.34, title, 16, ha="left", weight="bold")
    rule = "Of n ranked paths the r-th gives n - r points to every choice on it. "
    rule += "Ringed: the winner of the layer."
    canvas.text(MARGIN, 0.66, rule, 10.5, ha="left", color=FAINT)
    _draw_colour_bar(canvas, norm)
    save_figure(canvas.figure, path)


def _score_map(part: str, layers: Sequence[Mapping[str, float]]) -> _Map:
    """The map of a part; a choice that a layer does not have is an empty cell."""
    choices = tuple(dict.fromkeys(choice for layer in layers for choice in layer))
    numbers = [[_points(layer.get(c)) for c in choices] for layer in layers]
    shades = np.full((len(layers), len(choices)), np.nan)
    for row, layer in zip(shades, layers, strict=True):
        known = [c in layer for c in choices]
        row[known] = differences([[layer[c] for c in choices if c in layer]])[0]
    return _Map(part, choices, numbers, shades)


def _points(score: float | None) -> str:
    """A score as written: whole points, or points per use."""
    if score is None:
        return ""
    return str(score) if isinstance(score, int) else f"{score:.1f}"


def differences(scores: Sequence[Sequence[int]]) -> np.ndarray:
    """Score minus the mean of its layer, float (layers, choices)."""
    return np.subtract(scores, np.mean(scores, axis=1, keepdims=True))


def _drawn(
    maps: Sequence[_Map], colours: LinearSegmentedColormap, norm: Normalize, top: float, foot: float
) -> Canvas:
    """One heat map for each part: layers from left to right, choices from top to bottom.

    ``top`` and ``foot`` are left free above and below. A cell says its number, where all of its
    part fit. In an SVG a cell's text has the id ``part_layer_choice``, a ring
    ``winner_part_layer_choice``; layers count from 0.
    """
    places = _places(maps, top)
    canvas = Canvas(
        max(LEAST_W, *(each.width for each in maps)) + 2 * MARGIN,
        max(y + each.height for each, (_, y) in zip(maps, places, strict=True)) + foot,
        DPI,
    )
    for each, (x, y) in zip(maps, places, strict=True):
        _draw_map(canvas, each, x, y, colours(norm(each.shades)))
    return canvas


def _places(maps: Sequence[_Map], top: float) -> list[tuple[float, float]]:
    """The top left corners of the maps, which flow like words into rows."""
    limit = MARGIN + max(LEAST_W, *(each.width for each in maps))
    x, y, row, places = MARGIN, top, 0.0, []
    for each in maps:
        if x > MARGIN and x + each.width > limit:
            x, y, row = MARGIN, y + row + GAP / 2, 0.0
        places.append((x, y))
        x, row = x + each.width + GAP, max(row, each.height)
    return places


def _draw_map(canvas: Canvas, each: _Map, x: float, y: float, faces: np.ndarray) -> None:
    """The part's name, the choices' names, and one column of cells for each layer."""
    left, top = x + each.indent, y + HEADER
    foot = y + each.height - FOOTER / 2
    canvas.text(left, y + HEADER / 2 - 0.03, part_title(each.part), 11, ha="left", weight="bold")
    for row, choice in enumerate(each.choices):
        middle = top + (row + 0.5) * CELL_H
        canvas.text(left - 0.08, middle, choice_label(choice), LABEL, ha="right")
    canvas.text(left - 0.08, foot, "layer", 8, ha="right", color=FAINT)
    for layer, best in enumerate(np.nanargmax(each.shades, axis=1)):
        corner = left + layer * CELL_W
        canvas.text(corner + CELL_W / 2, foot, str(layer), 8, color=FAINT)
        names = [f"{each.part}_{layer}_{choice}" for choice in each.choices]
        for row, number in enumerate(each.numbers[layer]):
            text = number if each.numbers_fit else ""
            _draw_cell(canvas, corner, top + row * CELL_H, faces[layer, row], text, names[row])
        _draw_ring(canvas, corner, top + best * CELL_H, f"winner_{names[best]}")


def _draw_cell(
    canvas: Canvas, x: float, y: float, face: np.ndarray, number: str, name: str
) -> None:
    canvas.box(x, y, CELL_W, CELL_H, face, "white", radius=0, zorder=2)
    dark = np.dot(face[:3], (0.299, 0.587, 0.114)) < 0.56
    middle = (x + CELL_W / 2, y + CELL_H / 2 + 0.01)
    canvas.text(*middle, number, NUMBER, color="white" if dark else INK, gid=name, zorder=3)


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
    colours = ScalarMappable(norm, BELOW_TO_ABOVE)
    bar = canvas.figure.colorbar(colours, cax=axes, orientation="horizontal")
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
