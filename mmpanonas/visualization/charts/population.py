"""How often each choice of every layer was taken, and how that changed by generation."""

import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from mmpanonas.space import PARTS, Arch, operations_of
from mmpanonas.visualization.architecture.boxes import choice_colours, choice_label
from mmpanonas.visualization.canvas import FAINT, INK, save_figure
from mmpanonas.visualization.charts.curves import whole_numbers

#: A fraction for each choice of each layer of each part; those of a layer add up to 1.
ChoiceShares = Mapping[str, Sequence[Mapping[str, float]]]


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
    """The part's own choices, and others that some architecture has; of sizes those taken alone."""
    own = () if PARTS[part].sizes else PARTS[part].operations
    taken = {choice for row in rows for choice in row}
    return [choice for choice in operations_of(part) if choice in own or choice in taken]


def mean_over_layers(shares: ChoiceShares) -> dict[str, dict[str, float]]:
    """The shares of each part's choices over all of its layers."""
    return {
        part: {choice: float(np.mean([layer[choice] for layer in layers])) for choice in layers[0]}
        for part, layers in shares.items()
    }


def draw_shares(
    shares: Mapping[int, Mapping[str, Mapping[str, float]]], path: str | os.PathLike
) -> None:
    """Write how often each choice was taken in each generation, one panel for each part.

    ``shares[generation][part][choice]`` is a fraction; those of a part add up to 1. What a
    generation does not say, it did not take.

    Raises:
        InputError: another suffix than .png or .svg.
    """
    generations = sorted(shares)
    parts = [part for part in PARTS if any(part in shares[g] for g in generations)]
    figure = Figure(figsize=(max(3.0 * len(parts), 5.0), 3.4), layout="constrained")
    for axes, part in zip(figure.subplots(1, len(parts), squeeze=False)[0], parts, strict=True):
        rows = [shares[g].get(part, {}) for g in generations]
        choices = [choice for choice in operations_of(part) if any(choice in row for row in rows)]
        _stack(axes, generations, {c: [row.get(c, 0.0) for row in rows] for c in choices})
        axes.set_title(part_title(part), loc="left", color=INK, weight="bold", fontsize=10)
    save_figure(figure, path)


def _stack(axes: Axes, generations: list[int], heights: Mapping[str, list[float]]) -> None:
    """One bar for each generation, from the first choice at the foot to the last at the top."""
    foot = np.zeros(len(generations))
    for choice, height in heights.items():
        axes.bar(
            generations, height, 1.0, foot, color=choice_colours(choice)[0], ec="white", lw=0.4
        )
        foot += height
    axes.set_ylim(0, 1)
    axes.set_xlim(generations[0] - 0.5, generations[-1] + 0.5)
    axes.set_xlabel("generation", fontsize=9)
    axes.xaxis.set_major_locator(whole_numbers())
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(colors=FAINT, labelsize=8)
    swatches = [
        Patch(fc=choice_colours(c)[0], ec=FAINT, lw=0.5, label=choice_label(c)) for c in heights
    ]
    axes.legend(
        handles=swatches, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False,
        ncols=3 if len(swatches) != 4 else 2, fontsize=8, handlelength=1.2, columnspacing=1.0,
    )  # fmt: skip


def part_title(part: str) -> str:
    """As ``mask_head`` "Mask head"."""
    return part.replace("_", " ").capitalize()
