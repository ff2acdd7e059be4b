"""The progress of a search as a curve, and its scores against a cost."""

import math
import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from mmpanonas.errors import InputError
from mmpanonas.visualization.canvas import FAINT, INK, check_suffix, save_figure

#: Colours of a candidate, and of the best: the best so far, the front.
DOT, BEST = "#1b5a92", "#d0661c"


def draw_search(
    results: Sequence[Mapping],
    path: str | os.PathLike,
    score: str = "coco_panoptic/PQ",
    title: str | None = None,
) -> None:
    """Write each candidate's score by evaluation number, and the best so far.

    ``results`` holds one mapping for each evaluated candidate: ``index`` (its number; its
    place in the list by default), ``metrics`` with ``score``, and ``generation`` (colour;
    may be missing or None). Candidates whose score is missing or not finite are left out.

    Raises:
        InputError: no candidate has the score, or another suffix than .png or .svg.
    """
    check_suffix(path)
    points = _points(results, score)
    if not points:
        raise InputError(f"nothing to draw: none of {len(results)} results has a finite {score!r}")
    index, scores, generations = (np.array(column) for column in zip(*points, strict=True))
    figure = Figure(figsize=(8, 4.5), dpi=130, layout="constrained")
    axes = figure.add_subplot()
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
    axes.set_title(
        title or "Progress of the search", loc="left", color=INK, weight="bold", parse_math=False
    )
    quiet_axes(axes)
    save_figure(figure, path)


def draw_front(
    report: Mapping,
    path: str | os.PathLike,
    score: str = "coco_panoptic/PQ",
    title: str | None = None,
) -> None:
    """Write every candidate's score by its cost, and the front that none dominates.

    ``report`` is the ``Pareto`` strategy's: ``cost`` (its name), ``front`` and ``candidates``,
    each a list of mappings with ``score`` and ``cost``.

    Raises:
        InputError: the front is empty, or another suffix than .png or .svg.
    """
    check_suffix(path)
    if not report["front"]:
        raise InputError("nothing to draw: the front is empty, since every candidate failed")
    figure = Figure(figsize=(8, 4.5), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(
        title or "Score against cost", loc="left", color=INK, weight="bold", parse_math=False
    )
    quiet_axes(axes)
    costs, scores = _columns(report["candidates"])
    axes.scatter(costs, scores, s=18, c="#b8c2cc", zorder=2, label="evaluated candidates")
    costs, scores = _columns(report["front"])
    axes.step(costs, scores, where="post", color=BEST, lw=1.4, zorder=3)
    front = {"s": 42, "c": BEST, "edgecolor": "white", "linewidth": 0.6, "zorder": 4}
    axes.scatter(costs, scores, label=f"front ({len(costs)})", **front)
    axes.set_xlabel(report["cost"])
    axes.set_ylabel(score.rpartition("/")[2])
    if max(costs) >= 1e4:  # MACs and parameters: 1.2 G instead of an exponent in the corner
        axes.xaxis.set_major_formatter(EngFormatter())
    axes.legend(loc="best", framealpha=0.9, edgecolor="none", labelcolor=INK)
    save_figure(figure, path)


def _columns(points: Sequence[Mapping]) -> tuple[list[float], list[float]]:
    return [point["cost"] for point in points], [point["score"] for point in points]


def _points(results: Sequence[Mapping], score: str) -> list[tuple[int, float, int]]:
    """``(index, score, generation)`` of the results that can be drawn, by index."""
    points = []
    for place, result in enumerate(results):
        value = (result.get("metrics") or {}).get(score)
        if value is not None and math.isfinite(value):
            index, generation = result.get("index"), result.get("generation")
            points.append(
                (
                    place if index is None else int(index),
                    float(value),
                    0 if generation is None else int(generation),
                )
            )
    return sorted(points)


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
