"""What the candidates of a search are: scores and choices by generation, score against cost."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from mmpanonas.space import pareto_front
from mmpanonas.visualization.architecture.boxes import choice_colours, choice_label
from mmpanonas.visualization.canvas import FAINT, INK, save_figure
from mmpanonas.visualization.charts.curves import BEST, DOT, quiet_axes, whole_numbers


def draw_generations(
    scores: Mapping[int, Sequence[float]], path: str | os.PathLike, label: str
) -> None:
    """Write every candidate's score by generation, with each generation's quartiles and median.

    ``scores`` holds the scores of each generation (none empty), ``label`` names them.

    Raises:
        InputError: another suffix than .png or .svg.
    """
    generations = sorted(scores)
    quartiles = np.array([np.percentile(scores[g], (25, 50, 75)) for g in generations])
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    places = np.repeat(generations, [len(scores[g]) for g in generations])
    values = np.concatenate([np.asarray(scores[g], float) for g in generations])
    axes.scatter(places, values, s=14, c=DOT, alpha=0.3, linewidth=0, label="candidate")
    axes.vlines(generations, *quartiles[:, ::2].T, color=DOT, lw=8, alpha=0.4, label="quartiles")
    axes.plot(generations, quartiles[:, 1], "o-", color=BEST, lw=1.8, ms=4, label="median")
    axes.set_xlabel("generation")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(whole_numbers())
    axes.set_title("Scores by generation", loc="left", color=INK, weight="bold")
    axes.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1), fontsize=9)
    quiet_axes(axes)
    save_figure(figure, path)


def draw_shares(
    shares: Mapping[int, Mapping[str, Mapping[str, float]]], path: str | os.PathLike
) -> None:
    """Write how often each choice was taken in each generation, one panel for each part.

    ``shares[generation][part][choice]`` is a fraction; those of a part add up to 1.

    Raises:
        InputError: another suffix than .png or .svg.
    """
    generations = sorted(shares)
    parts = list(shares[generations[0]])
    figure = Figure(figsize=(max(3.0 * len(parts), 5.0), 3.4), layout="constrained")
    for axes, part in zip(figure.subplots(1, len(parts), squeeze=False)[0], parts, strict=True):
        _stack(axes, generations, [shares[g][part] for g in generations])
        axes.set_title(part_title(part), loc="left", color=INK, weight="bold", fontsize=10)
    save_figure(figure, path)


def _stack(axes: Axes, generations: list[int], rows: list[Mapping[str, float]]) -> None:
    """One bar for each generation, from the first choice at the foot to the last at the top."""
    foot = np.zeros(len(rows))
    for choice in rows[0]:
        height = np.array([row[choice] for row in rows])
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
        Patch(fc=choice_colours(c)[0], ec=FAINT, lw=0.5, label=choice_label(c)) for c in rows[0]
    ]
    axes.legend(
        handles=swatches, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False,
        ncols=3 if len(swatches) != 4 else 2, fontsize=8, handlelength=1.2, columnspacing=1.0,
    )  # fmt: skip


def draw_trade_off(
    costs: Sequence[float],
    scores: Sequence[float],
    numbers: Sequence[int],
    path: str | os.PathLike,
    labels: tuple[str, str],
) -> None:
    """Write score against cost, with the Pareto front and the candidates' numbers on it.

    ``labels`` name cost and score; ``numbers`` the candidates.

    Raises:
        InputError: another suffix than .png or .svg.
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    axes.scatter(costs, scores, s=16, c=DOT, alpha=0.4, linewidth=0, label="candidate")
    front = pareto_front(list(zip(scores, costs, strict=True)))
    ends = [(costs[i], scores[i]) for i in front]
    axes.step(*zip(*ends, strict=True), where="post", color=BEST, lw=1.6)
    axes.scatter(*zip(*ends, strict=True), s=30, c=BEST, zorder=3, label="Pareto front")
    for place in _apart(front, costs, scores):
        axes.annotate(
            str(numbers[place]), (costs[place], scores[place]), xytext=(-3, 4),
            textcoords="offset points", ha="right", fontsize=8, color=INK,
        )  # fmt: skip
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), fontsize=9)
    quiet_axes(axes)
    save_figure(figure, path)


def _apart(front: Sequence[int], costs: Sequence[float], scores: Sequence[float]) -> list[int]:
    """Those of ``front``, from the best score down, whose numbers do not cover one another."""
    width, height = max(costs) - min(costs), max(scores) - min(scores)
    kept: list[int] = []
    for place in reversed(front):
        if not kept or (
            costs[kept[-1]] - costs[place] > 0.08 * width
            or scores[kept[-1]] - scores[place] > 0.05 * height
        ):
            kept.append(place)
    return kept


def part_title(part: str) -> str:
    """As ``mask_head`` "Mask head"."""
    return part.replace("_", " ").capitalize()
