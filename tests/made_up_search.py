"""Search directories with made-up scores: the real search core writes them, in no time.

The scores are those of a hidden preference for each choice of each layer, plus noise, so that
the real strategies, which propose the candidates, have something to find.
"""

from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from mmpanonas.execution import Search, SearchFailedError, SerialExecutor
from mmpanonas.records import SearchDirectory
from mmpanonas.space import REPORTED, Arch, NetworkShape, SearchSpace
from mmpanonas.strategies import STRATEGIES

PREFIX = "coco_panoptic"
REASONS = ("RuntimeError: CUDA <b>out</b> of memory", "ValueError: loss became NaN & stopped")


def write_search(
    folder: Path,
    strategy: dict,
    failed: int = 0,
    stop_after: int | None = None,
    blocks: tuple[int, ...] = (8, 8, 16, 8),
    space: SearchSpace | None = None,
) -> Path:
    """Run ``strategy`` on made-up scores; returns ``folder``, which holds a search's files.

    ``failed`` candidates, spread evenly, get no metrics, at 3 tries each. ``stop_after``
    candidates the search is killed: there is no answer. ``space``: another one than all of
    ``blocks``.
    """
    space, shape = space or SearchSpace.full(blocks), NetworkShape(blocks=blocks)
    options = {key: value for key, value in strategy.items() if key != "type"}
    searched = STRATEGIES[strategy["type"]](space, seed=0, **options)
    every = searched.total // failed if failed else 0
    evaluate = MadeUp(space, every, stop_after)
    identity = dict(
        model=dict(type="AutoPanoptic", backbone=dict(blocks=list(blocks))),
        strategy=strategy,
        seed=0,
        metric=f"{PREFIX}/PQ",
        budgets=[dict(quantity="macs", limit=1.3e9)],
        recalibration=dict(num_images=500, batch_size=16),
        checkpoint="9f2c" * 16,
    )
    start = dict(
        time="2026-11-22 15:40:28",
        command="python tools/search.py <x> --resume",
        host="node1",
        versions=dict(mmpanonas="0.1.0", torch="2.13.0", python="3.11.2"),
    )
    directory = SearchDirectory(folder, identity, start=start)
    search = Search(
        searched,
        directory,
        f"{PREFIX}/PQ",
        cost=lambda arch: {measure.key: measure.of(arch, shape) for measure in REPORTED},
        max_tries=3,
        give_up_after=None,
    )
    with closing(directory), suppress(Killed, SearchFailedError):
        search.run(SerialExecutor(lambda: evaluate, f"{PREFIX}/PQ"))
    return folder


class Killed(BaseException):
    """What the core knows of a SIGKILL: nothing."""


class MadeUp:
    """The evaluator; see :func:`write_search`."""

    def __init__(self, space: SearchSpace, every: int, stop_after: int | None) -> None:
        self.space, self.every, self.stop_after = space, every, stop_after
        self.rng = np.random.default_rng(7)
        self.liking = self.rng.normal(0, 1, (len(space.num_choices), space.num_choices.max()))
        self.places: dict[Arch, int] = {}

    def __call__(self, arch: Arch) -> dict[str, float]:
        """Metrics of ``arch``."""
        place = self.places.setdefault(arch, len(self.places))
        if place == self.stop_after:
            raise Killed
        if self.every and place % self.every == self.every // 2:
            kind, text = REASONS[place // self.every % len(REASONS)].split(": ")
            raise dict(RuntimeError=RuntimeError, ValueError=ValueError)[kind](text)
        return self._metrics(self.space.encode(arch))

    def _metrics(self, codes: np.ndarray) -> dict[str, float]:
        liked, noise = self.liking[np.arange(len(codes)), codes].sum(), self.rng.normal(0, 0.4, 2)
        things, stuff = 30 + 0.3 * liked + noise[0], 22 + 0.2 * liked + noise[1]
        pq = (80 * things + 53 * stuff) / 133
        values = dict(PQ=pq, PQ_th=things, PQ_st=stuff, SQ=70 + 0.1 * liked, RQ=100 * pq / 70)
        return {f"{PREFIX}/{key}": float(value) for key, value in values.items()}
