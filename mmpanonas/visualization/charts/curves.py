"""The scores of a search: by evaluation, by generation, and against a cost."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from mmpanonas.errors import InputError
from mmpanonas.records import Candidate
from mmpanonas.space import pareto_front
from mmpanonas.visualization.canvas import FAINT, INK, check_suffix, save_figure

#: Colours of a candidate, and of the best: the best so far, the front, the median.
DOT, BEST = "#1b5a92", "#d0661c"


def draw_search(
    candidates: Sequence[Candidate],
    path: str | os.PathLike,
    score: str = "coco_panoptic/PQ",
    title: str = "Progress of the search",
) -> None:
    """Write each candidate's score by evaluation number, and the best so far.

    Its generation, where it has one, is its colour. Candidates without a score are left out.

    Raises:
        InputError: no candidate has the score, or another suffix than .png or .svg.
    """
    check_suffix(path)
    shown = sorted((c for c in candidates if c.score(score) is not None), key=lambda c: c.index)
    if not shown:
        raise InputError(
            f"nothing to draw: none of {len(candidates)} results has a finite {score!r}"
        )
    index = np.array([c.index for c in shown])
    scores = np.array([c.score(score) for c in shown])
    generations = [c.generation or 0 for c in shown]
    figure, axes = _axes(title)
    dots = {"s": 34, "edgecolor": "white", "linewidth": 0.6, "zorder": 3}
    if len(set(generations)) > 1:
        drawn = axes.scatter(index, scores, c=generations, cmap="viridis_r", **dots)
        bar = figure.colorbar(drawn, ax=axes, pad=0.02, aspect=30)
        bar.set_label("generation")
        bar.locator = whole_numbers()
        bar.outline.set_visible(False)
    else:
        axes.scatter(index, scores, c=DOT, **dots)
    axes.step(index, np.maximum.accumulate(scores), where="post", color=BEST, lw=1.8, zorder=2)
    _mark_best(axes, index, scores)
    axes.set_xlabel("evaluated candidates")
    axes.set_ylabel(score.rpartition("/")[2])
    axes.xaxis.set_major_locator(whole_numbers())
    save_figure(figure, path)


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
    figure, axes = _axes("Scores by generation")
    places = np.repeat(generations, [len(scores[g]) for g in generations])
    values = np.concatenate([np.asarray(scores[g], float) for g in generations])
    axes.scatter(places, values, s=14, c=DOT, alpha=0.3, linewidth=0, label="candidate")
    axes.vlines(generations, *quartiles[:, ::2].T, color=DOT, lw=8, alpha=0.4, label="quartiles")
    axes.plot(generations, quartiles[:, 1], "o-", color=BEST, lw=1.8, ms=4, label="median")
    axes.set_xlabel("generation")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(whole_numbers())
    _legend(axes)
    save_figure(figure, path)


def draw_spending(
    costs: Mapping[str, Mapping[str, float]], path: str | os.PathLike, label: str
) -> None:
    """Write what each module of several networks costs, as bars side by side.

    ``costs[network][module]``; the first network is drawn as the best. ``label`` names the cost.

    Raises:
        InputError: another suffix than .png or .svg.
    """
    modules = list(dict.fromkeys(module for network in costs.values() for module in network))
    figure = Figure(figsize=(6, 0.9 + 0.5 * len(modules)), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    height = 0.8 / len(costs)
    for place, (name, network) in enumerate(costs.items()):
        values = [network.get(module, 0) for module in modules]
        rows = np.arange(len(modules)) + (place - (len(costs) - 1) / 2) * height
        bars = axes.barh(rows, values, height, color=BEST if place == 0 else DOT, label=name)
        total = sum(values) or 1
        shares = [f"{value / total:.0%}" for value in values]
        axes.bar_label(bars, shares, padding=3, color=FAINT, fontsize=8)
    axes.set_yticks(range(len(modules)), [module.replace("_", " ") for module in modules])
    axes.set_ylim(len(modules) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.margins(x=0.12)
    axes.set_xlabel(label)
    axes.legend(frameon=False)
    quiet_axes(axes)
    save_figure(figure, path)


def draw_front(
    costs: Sequence[float],
    scores: Sequence[float],
    path: str | os.PathLike,
    labels: tuple[str, str],
    numbers: Sequence[int] | None = None,
    title: str = "",
) -> None:
    """Write every candidate's score by its cost, and the front that none dominates.

    ``labels`` name cost and score; ``numbers`` the candidates, written beside those of the front.

    Raises:
        InputError: there is no candidate, or another suffix than .png or .svg.
    """
    check_suffix(path)
    if not costs:
        raise InputError("nothing to draw: the front is empty, since every candidate failed")
    figure, axes = _axes(title, (6.4, 4.4))
    axes.scatter(costs, scores, s=16, c=DOT, alpha=0.4, linewidth=0, label="candidate")
    front = pareto_front(list(zip(scores, costs, strict=True)))
    ends = [(costs[i], scores[i]) for i in front]
    axes.step(*zip(*ends, strict=True), where="post", color=BEST, lw=1.6)
    axes.scatter(*zip(*ends, strict=True), s=30, c=BEST, zorder=3, label=f"front ({len(ends)})")
    for place in _apart(front, costs, scores) if numbers else ():
        axes.annotate(
            str(numbers[place]), (costs[place], scores[place]), xytext=(-3, 4),
            textcoords="offset points", ha="right", fontsize=8, color=INK,
        )  # fmt: skip
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    if max(costs) >= 1e4:  # MACs and parameters: 1.2 G instead of an exponent in the corner
        axes.xaxis.set_major_formatter(EngFormatter())
    _legend(axes)
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


def _axes(title: str, size: tuple[float, float] = (8, 4.5)) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, dpi=130, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", color=INK, weight="bold", parse_math=False)
    quiet_axes(axes)
    return figure, axes


def _legend(axes: Axes) -> None:
    """Above the axes, at the right: it covers no candidate."""
    axes.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1), fontsize=9)


def _mark_best(axes: Axes, index: np.ndarray, scores: np.ndarray) -> None:
    """A ring round the best candidate, and its score above it."""
    best = int(np.argmax(scores))
    axes.scatter(
        index[best], scores[best], s=130, facecolor="none", edgecolor=BEST, lw=1.8, zorder=4
    )
    axes.annotate(
        f"best: {scores[best]:.2f} (candidate {index[best]})",
        (index[best], scores[best]),
        xytext=(0, 11),
        textcoords="offset points",
        ha="right" if best > len(scores) / 2 else "left",
        color=INK,
        weight="bold",
        annotation_clip=False,
    )
    axes.margins(y=0.14)


def quiet_axes(axes: Axes) -> None:
    """Leave the data in front: a pale grid, no frame above and at the right."""
    axes.grid(color="#e3e7eb", zorder=0)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=FAINT)


def whole_numbers() -> MaxNLocator:
    """Ticks for counts."""
    return MaxNLocator(integer=True, nbins=10, min_n_ticks=1)
