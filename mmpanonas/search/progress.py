"""How far a search is: a bar, and scalars for TensorBoard."""

import math
from collections.abc import Sequence

from mmengine.visualization import Visualizer
from tqdm import tqdm

from mmpanonas.errors import describe_file_error
from mmpanonas.execution import Search
from mmpanonas.printing import BAR, text_table
from mmpanonas.records import Candidate, Outcome

#: What ``PanopticQualityMetric`` gives in percent, as a table shows it.
_PERCENT = ("PQ", "PQ_th", "PQ_st", "SQ", "RQ")


class SearchProgress:
    """Listens to a search: evaluations done, time left, best score, failures.

    Args:
        metric: the fitness.
        visualizer: its backends get ``search/score``, ``search/best``, ``search/seconds`` and
            ``search/failed`` at each evaluation.
        total: evaluations planned.
        known: those of former starts.
    """

    def __init__(
        self, metric: str, visualizer: Visualizer, total: int, known: Sequence[Candidate]
    ) -> None:
        self.metric, self.visualizer = metric, visualizer
        self._draws = True
        self._bar = tqdm(total=total, initial=len(known), desc="search", **BAR)

    def __call__(self, search: Search, record: Candidate, outcome: Outcome) -> None:
        """Show a new result."""
        known = search.records.values()
        scores = [score for r in known if (score := r.score(self.metric)) is not None]
        failed, left = (sum(r.state == state for r in known) for state in ("failed", "left"))
        scalars = {"search/seconds": outcome.seconds, "search/failed": failed}
        words = []
        if scores:
            scalars["search/best"] = max(scores)
            words.append(f"best {self.metric.split('/')[-1]} {shown(self.metric, max(scores))}")
        if record.state == "done":
            scalars["search/score"] = record.metrics[self.metric]
        if failed:
            words.append(f"{failed} failed")
        if left:
            words.append(f"{left} left the race")
        self._draw(search, scalars)
        self._bar.set_postfix_str(", ".join(words))
        self._bar.total = search.strategy.total
        self._bar.update()

    def _draw(self, search: Search, scalars: dict[str, float]) -> None:
        """Curves are no results: a disk that takes none stops them alone."""
        try:
            if self._draws:
                self.visualizer.add_scalars(scalars, step=len(search.records))
        except OSError as error:
            self._draws = False
            search.say(f"the curves end here: {describe_file_error(error)}")

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def shown(metric: str, value: float) -> str:
    """A score as a terminal shows it: percent to two places, of other metrics four digits."""
    return f"{value:.2f}" if metric.rpartition("/")[2] in _PERCENT else f"{value:.4g}"


def ranking_table(ranked: Sequence[Candidate], metric: str, number: int) -> str:
    """The ``number`` best results as a table for the terminal; says where the best has equals."""
    prefix = metric.rpartition("/")[0]
    names = [name for key in _PERCENT if (name := f"{prefix}/{key}") in ranked[0].metrics]
    if metric not in names:
        names = [metric, *(name for name in ranked[0].metrics if name != metric)][:5]
    keys = [name.removeprefix(f"{prefix}/") for name in names]
    rows = [["rank", "candidate", "generation", *keys, "backbone MMACs", "MParams"]]
    for rank, r in enumerate(ranked[:number], 1):
        values = [shown(name, r.metrics.get(name, math.nan)) for name in names]
        costs = (r.cost.get("backbone_macs"), r.cost.get("backbone_params"))
        sizes = [
            "-" if c is None else f"{c / 1e6:.{n}f}" for c, n in zip(costs, (1, 2), strict=True)
        ]
        rows.append([rank, r.index, r.generation, *values, *sizes])
    table = text_table(rows)
    best = ranked[0].metrics[metric]
    equals = sum(r.metrics[metric] == best for r in ranked)
    if equals == 1:
        return table
    return (
        f"{table}\n{equals} of {len(ranked)} share the best score, of which the first proposed is "
        f"taken; a longer training of the supernet or more pictures in nas_val tell more apart"
    )
