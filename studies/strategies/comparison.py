"""Strategies side by side: one supernet, equal numbers of evaluated candidates."""

import copy
import gc
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmpanonas.errors import InputError
from mmpanonas.printing import markdown_table
from mmpanonas.records import Candidate, ranked, read_seconds
from studies.strategies.sizes import sizes

#: The table's columns of scores: what the metric calls them, and what the table does.
SCORES = {"PQ": "best PQ", "PQ_th": "its PQ things", "PQ_st": "its PQ stuff"}


@dataclass(frozen=True)
class Outcome:
    """What one search of a comparison found.

    Attributes:
        strategy, seed: which search.
        evaluations: candidates evaluated, failed ones included.
        scores: of the best candidate, unrounded, in percent: ``PQ``, ``PQ_th``, ``PQ_st``.
        index: of the best candidate (the first of equals) in the order of proposals, from 0.
        seconds: all evaluations together took, those before a search was stopped included.
        note: the strategy's.
    """

    strategy: str
    seed: int
    evaluations: int
    scores: dict[str, float]
    index: int
    seconds: float
    note: str


def run_search(cfg: Config, strategy: str, seed: int, evaluations: int, folder: Path) -> Outcome:
    """Search in ``folder`` with exactly so many evaluations; one that was stopped goes on.

    ``cfg`` is a search's; its own strategy and seed are replaced.

    Raises:
        InputError: the strategy cannot plan that number, or the space or the budget leaves
            it fewer.
    """
    cfg = copy.deepcopy(cfg)
    cfg.work_dir, cfg.experiment_name = str(folder), folder.name
    cfg.visualizer.name = folder.name  # one of the same name would go on writing to its folder
    cfg.val_cfg.strategy = dict(type=strategy, **sizes(strategy, evaluations))
    cfg.val_cfg.seed, cfg.val_cfg.resume = seed, True
    runner = Runner.from_cfg(cfg)
    runner.val()
    loop = runner.val_loop
    outcome = _outcome(
        loop.records, loop.metric, strategy, seed, read_seconds(folder), loop.strategy.note
    )
    del runner, loop
    gc.collect()  # the next search needs the room of the model and of the decoded pictures
    if outcome.evaluations != evaluations:
        raise InputError(
            f"{strategy} with seed {seed} evaluated {outcome.evaluations} candidates instead of "
            f"{evaluations} ({outcome.note}): compare at fewer evaluations, or raise the budget"
        )
    return outcome


def _outcome(
    records: Sequence[Candidate], metric: str, strategy: str, seed: int, seconds: float, note: str
) -> Outcome:
    best = ranked(records, metric)[0]
    prefix = metric.rpartition("/")[0]
    return Outcome(
        strategy=strategy,
        seed=seed,
        evaluations=len(records),
        scores={key: best.metrics[f"{prefix}/{key}"] for key in SCORES},
        index=best.index,
        seconds=seconds,
        note=note,
    )


def comparison_table(outcomes: Sequence[Outcome]) -> str:
    """A Markdown table, one row per strategy: mean and sample standard deviation over seeds."""
    heads = ["strategy", "searches", "evaluations", *SCORES.values(), "seconds per search"]
    rows = []
    for strategy in dict.fromkeys(outcome.strategy for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.strategy == strategy]
        scores = [_spread([outcome.scores[key] for outcome in own], 2) for key in SCORES]
        seconds = _spread([outcome.seconds for outcome in own], 0)
        rows.append([strategy, str(len(own)), str(own[0].evaluations), *scores, seconds])
    return markdown_table(heads, rows).rstrip()


def _spread(values: Sequence[float], digits: int) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} \N{PLUS-MINUS SIGN} {statistics.stdev(values):.{digits}f}"
