"""Plots of a study of budgets."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from mmpanonas.visualization.canvas import INK, save_figure
from mmpanonas.visualization.charts.curves import BEST, DOT, quiet_axes

#: Of each side.
COLOURS = dict(searched=BEST, plain=INK, widened="#8a4f9e", luckiest=DOT)


def draw_sides(
    sides: Mapping[str, Sequence[tuple[float, Sequence[float]]]],
    path: str | os.PathLike,
    label: str,
) -> None:
    """PQ over cost: a dot for each seed of a network, a line through the means of each side.

    ``sides`` holds for each name its networks: cost, and PQ by seed. Raises ``InputError`` for
    another suffix than .png or .svg.
    """
    figure = Figure(figsize=(6.4, 4.4), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    for name, networks in sides.items():
        networks = sorted(networks, key=lambda each: each[0])
        costs, means = [n[0] for n in networks], [np.mean(n[1]) for n in networks]
        axes.plot(costs, means, color=COLOURS[name], lw=1.6, label=name, zorder=3)
        for cost, scores in networks:
            axes.scatter([cost] * len(scores), scores, s=22, c=COLOURS[name], lw=0, alpha=0.75)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.xaxis.set_minor_formatter(EngFormatter())
    axes.set_xlabel(label)
    axes.set_ylabel("PQ, trained alone (dots: seeds)")
    axes.legend(frameon=False)
    quiet_axes(axes)
    save_figure(figure, path)
