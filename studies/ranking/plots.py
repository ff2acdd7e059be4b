"""Plots of a ranking study: two scores of the same networks, estimates, what searches return."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from mmpanonas.visualization.canvas import FAINT, INK, save_figure
from mmpanonas.visualization.charts.curves import BEST, DOT, quiet_axes


def draw_scores(
    first: Sequence[float],
    second: Sequence[float],
    path: str | os.PathLike,
    labels: tuple[str, str],
    costs: Sequence[float] | None = None,
    cost_label: str = "",
) -> None:
    """A dot for each network: ``first`` to the right, ``second`` upwards, ``costs`` as colour."""
    figure = Figure(figsize=(6, 4.5), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    style = {"s": 38, "edgecolor": "white", "linewidth": 0.6, "zorder": 3}
    if costs is None:
        axes.scatter(first, second, c=DOT, **style)
    else:
        drawn = axes.scatter(first, second, c=costs, cmap="viridis_r", **style)
        bar = figure.colorbar(drawn, ax=axes, pad=0.02, aspect=30, format=EngFormatter())
        bar.set_label(cost_label)
        bar.outline.set_visible(False)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    quiet_axes(axes)
    save_figure(figure, path)


def draw_estimates(
    estimates: Mapping[str, Mapping[str, float]],
    path: str | os.PathLike,
    label: str,
) -> None:
    """A row for each estimate (``value``, ``low``, ``high``): its dot and its interval."""
    figure = Figure(figsize=(6, 0.9 + 0.36 * len(estimates)), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    for row, e in enumerate(estimates.values()):
        axes.plot([e["low"], e["high"]], [row, row], color=DOT, lw=2, solid_capstyle="round")
        axes.plot(e["value"], row, "o", color=DOT, ms=7)
    axes.axvline(0, color=FAINT, lw=0.8)
    axes.set_yticks(range(len(estimates)), list(estimates))
    axes.set_ylim(len(estimates) - 0.5, -0.5)
    axes.set_xlabel(label)
    quiet_axes(axes)
    save_figure(figure, path)


def draw_returned(
    drawn: Sequence[float],
    returned: Mapping[str, Sequence[float]],
    path: str | os.PathLike,
    label: str = "PQ, trained alone",
) -> None:
    """The scores of a random sample as a row of dots, and below what each strategy returned."""
    rows = {"all drawn": drawn, **returned}
    figure = Figure(figsize=(6, 0.9 + 0.42 * len(rows)), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    jitter = np.random.default_rng(0)
    for row, (name, values) in enumerate(rows.items()):
        colour = DOT if name == "all drawn" else BEST
        heights = row + jitter.uniform(-0.18, 0.18, len(values))
        axes.scatter(values, heights, s=26, c=colour, alpha=0.75, linewidth=0, zorder=3)
        axes.plot([np.mean(values)] * 2, [row - 0.32, row + 0.32], color=INK, lw=1.6, zorder=4)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"{label} (bar: mean)")
    quiet_axes(axes)
    save_figure(figure, path)
