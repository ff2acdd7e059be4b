"""How often each choice of every layer was taken, counted and as heat maps."""

import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from mmpanonas.space import PARTS, Arch, operations_of
from mmpanonas.visualization.architecture.boxes import choice_label
from mmpanonas.visualization.canvas import FAINT, INK, save_figure
from mmpanonas.visualization.charts.population import part_title

#: A fraction for each choice of each layer of each part; those of a layer add up to 1.
ChoiceShares = Mapping[str, Sequence[Mapping[str, float]]]

PALE_TO_DARK = LinearSegmentedColormap.from_list("shares", ["#ffffff", "#6fadde", "#123f68"])

# Lengths in inches.
CELL_W, CELL_H = 0.36, 0.3
LABELS = 0.9  # the choices' names, left of the cells
HEADER, FOOTER = 0.34, 0.36
LEAST_W = 10.0  # maps side by side take this much, or what the widest one needs
MARGIN = 0.1


def choice_shares(archs: Iterable[Arch]) -> dict[str, list[dict[str, float]]]:
    """How often each choice is taken in each layer, as fractions of the architectures.

    Those that have a part have as many layers of it; there is at least one architecture.
    """
    archs = list(archs)
    having = {part: [a for a in (getattr(arch, part) for arch in archs) if a] for part in PARTS}
    return {
        part: [
            {choice: layer.count(choice) / len(archs) for choice in _shown(part, rows)}
            for layer in zip(*rows, strict=True)
        ]
        for part, rows in having.items()
        if rows
    }


def _shown(part: str, rows: list[tuple[str, ...]]) -> list[str]:
    """The part's own choices, and others that some architecture has."""
    own, taken = PARTS[part].operations, {choice for row in rows for choice in row}
    return [choice for choice in operations_of(part) if choice in own or choice in taken]


def mean_over_layers(shares: ChoiceShares) -> dict[str, dict[str, float]]:
    """The shares of each part's choices over all of its layers."""
    return {
        part: {choice: float(np.mean([layer[choice] for layer in layers])) for choice in layers[0]}
        for part, layers in shares.items()
    }


def draw_choice_maps(shares: ChoiceShares, path: str | os.PathLike) -> None:
    """Write a map for each part: layers from left to right, choices from top to bottom.

    A cell says the share of its choice in percent, and is the darker for a larger one. The
    largest one of each layer is in bold.

    Raises:
        InputError: another suffix than .png or .svg.
    """
    places, width, height = _places(shares)
    figure = Figure(figsize=(width, height), facecolor="white")
    for part, layers in shares.items():
        x, y = places[part]
        size = (len(layers) * CELL_W, len(layers[0]) * CELL_H)
        corner = (x + LABELS, height - y - HEADER - size[1])
        box = np.divide((*corner, *size), (width, height) * 2)
        _draw_map(figure.add_axes(box), part, layers)
    save_figure(figure, path)


def _places(shares: ChoiceShares) -> tuple[dict[str, tuple[float, float]], float, float]:
    """Top left corner of each map, which flow like words into lines, and the whole size."""
    sizes = {
        part: (
            LABELS + len(layers) * CELL_W + 0.3,
            HEADER + len(layers[0]) * CELL_H + FOOTER,
        )
        for part, layers in shares.items()
    }
    limit = max(LEAST_W, *(width for width, _ in sizes.values()))
    x, y, line, places = 0.0, 0.0, 0.0, {}
    for part, (width, height) in sizes.items():
        if x and x + width > limit:
            x, y, line = 0.0, y + line + MARGIN, 0.0
        places[part] = (x, y)
        x, line = x + width, max(line, height)
    return places, limit, y + line


def _draw_map(axes: Axes, part: str, layers: Sequence[Mapping[str, float]]) -> None:
    choices = list(layers[0])
    cells = np.array([[layer[choice] for layer in layers] for choice in choices], float)
    axes.pcolormesh(cells, cmap=PALE_TO_DARK, vmin=0, vmax=1, edgecolors="#e3e7eb", linewidth=0.5)
    for (row, layer), value in np.ndenumerate(cells):
        axes.text(
            layer + 0.5, row + 0.52, f"{100 * value:.0f}",
            ha="center", va="center", fontsize=8,
            color="white" if value > 0.68 else INK,
            weight="bold" if row == cells[:, layer].argmax() else "normal",
        )  # fmt: skip
    axes.invert_yaxis()
    axes.set_title(part_title(part), loc="left", color=INK, weight="bold", fontsize=10)
    axes.set_yticks(np.arange(len(choices)) + 0.5, map(choice_label, choices), fontsize=9)
    axes.set_xticks(np.arange(len(layers)) + 0.5, range(len(layers)), fontsize=7.5, color=FAINT)
    axes.tick_params(length=0, colors=FAINT)
    axes.spines[:].set_visible(False)
