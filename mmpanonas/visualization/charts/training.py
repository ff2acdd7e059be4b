"""The curves of a training: losses, learning rate, and the scores of its validations."""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmpanonas.errors import InputError
from mmpanonas.visualization.canvas import INK, check_suffix, save_figure
from mmpanonas.visualization.charts.curves import quiet_axes

Curve = dict[int, float]  # by iteration
#: Told apart by colour-blind readers too (Okabe and Ito).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6d31", "#7f7f7f")
WIDTH, PANEL_HEIGHT = 9.0, 3.2  # inches


@dataclass(frozen=True)
class TrainingCurves:
    """What a training logged, by name, each by iteration.

    Attributes:
        losses: ``loss``, the sum, and its terms.
        rates: ``lr``.
        scores: in percent, over all validations, such as ``PQ``, ``PQ_th`` and ``PQ_st``.
    """

    losses: dict[str, Curve]
    rates: dict[str, Curve]
    scores: dict[str, Curve]


def read_training(work_dir: str | os.PathLike) -> TrainingCurves:
    """Read the ``scalars.json`` of every start of a training, also of one that still runs.

    Where a later start went over iterations again, it replaces what was logged from there on.

    Raises:
        InputError: the folder holds no losses.
    """
    work_dir = Path(work_dir)
    curves: dict[str, Curve] = {}
    for path in sorted(work_dir.glob("*/vis_data/scalars.json")):
        lines = [line for line in map(_parse, path.read_text().splitlines()) if "step" in line]
        if not any("loss" in line for line in lines):
            continue  # of a test
        start = min(line["step"] for line in lines if "loss" in line)
        curves = {
            name: {step: value for step, value in curve.items() if step < start}
            for name, curve in curves.items()
        }
        for line in lines:
            for name, value in line.items():
                curves.setdefault(name, {})[line["step"]] = value
    if not curves.get("loss"):
        raise InputError(f"{work_dir} holds no losses: give the work dir of tools/train.py")
    return TrainingCurves(
        losses={k: v for k, v in curves.items() if k.startswith("loss") and v},
        rates={k: v for k, v in curves.items() if k == "lr"},
        scores={
            k.rpartition("/")[2]: v
            for k, v in curves.items()
            if k.rpartition("/")[2] in ("PQ", "PQ_th", "PQ_st") and v
        },
    )


def _parse(line: str) -> dict:
    """One line of scalars; nothing of a torn one, which a running training may leave."""
    try:
        content = json.loads(line)
    except ValueError:
        return {}
    numbers = {k: v for k, v in content.items() if isinstance(v, int | float)}
    return {k: v for k, v in numbers.items() if math.isfinite(v)}


def draw_training(curves: TrainingCurves, path: str | os.PathLike, title: str = "Training") -> None:
    """Write losses, learning rate and, if there are any, scores, one below another.

    Raises:
        InputError: another suffix than .png or .svg.
        OSError: the file cannot be written.
    """
    check_suffix(path)
    panels = {"loss": curves.losses, "learning rate": curves.rates, "score (%)": curves.scores}
    panels = {name: group for name, group in panels.items() if group}
    figure = Figure((WIDTH, PANEL_HEIGHT * len(panels)), dpi=130, layout="constrained")
    all_axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, (name, group) in zip(all_axes, panels.items(), strict=True):
        _draw_group(axes, group)
        axes.set_ylabel(name)
        quiet_axes(axes)
    last = max(max(curve) for group in panels.values() for curve in group.values())
    all_axes[0].set_xlim(0, last * 1.02 or 1)
    all_axes[0].set_title(title, loc="left", color=INK, weight="bold", parse_math=False)
    all_axes[-1].set_xlabel("iteration")
    save_figure(figure, path)


def _draw_group(axes: Axes, group: dict[str, Curve]) -> None:
    """Curves of one unit, the first (all of the rest together) thicker and dark."""
    names = sorted(group, key=lambda name: (name not in ("loss", "PQ", "lr"), name))
    for place, name in enumerate(names):
        steps = sorted(group[name])
        colour = COLOURS[(place - 1) % len(COLOURS)] if place else INK
        axes.plot(
            steps,
            [group[name][step] for step in steps],
            color=colour,
            linewidth=1.3 if place else 2.0,
            marker="o" if len(steps) < 30 else "",
            markersize=3.5,
            label=f"{name}  {_short(group[name][steps[-1]])}",
        )
    axes.set_ylim(bottom=0)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, title="at the end")


def _short(value: float) -> str:
    return f"{value:.2e}" if 0 < abs(value) < 0.01 else f"{value:.2f}"
