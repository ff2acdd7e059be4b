"""The scores that ranked paths give to the choices they use."""

import heapq
from collections.abc import Iterator, Sequence

import numpy as np

from mmpanonas.space import Arch, SearchSpace


class Scoreboard:
    """A score for every choice of every searched layer of ``space``.

    Attributes:
        points: int64 (layers, most choices of any layer); a row's tail beyond the choices of
            its layer stays 0.
        uses: how often each choice was on a path, of the same shape.
        per_use: whether points are divided by it, since budgets let cheap choices be used more.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.points = np.zeros((len(space.num_choices), space.num_choices.max()), dtype=np.int64)
        self.uses = np.zeros_like(self.points)
        self.per_use = False

    def add(self, ranked: Sequence[Arch]) -> None:
        """The path ranked r of n (0 is the best) adds n - 1 - r to each choice on it."""
        for rank, path in enumerate(ranked):
            codes = self.space.encode(path)
            self.points[np.arange(len(codes)), codes] += len(ranked) - 1 - rank
            self.uses[np.arange(len(codes)), codes] += 1

    @property
    def scores(self) -> np.ndarray:
        """What ranks the choices: the points, or with ``per_use`` the points per use."""
        return self.points / np.maximum(self.uses, 1) if self.per_use else self.points

    def to_dict(self) -> dict[str, list[dict[str, int]]]:
        """Part by part the scores of every layer, by the choices' names."""
        rows = iter(self.scores.tolist())
        return {
            part.name: [
                dict(zip(row, next(rows), strict=False)) for row in part.rows[: part.decisions]
            ]
            for part in self.space.searched
        }

    @property
    def winner(self) -> Arch:
        """Each layer's best choice, the first of equals."""
        return next(self.by_lost_score())

    def by_lost_score(self) -> Iterator[Arch]:
        """All architectures: the winner, then what differs from it in one layer, in two, ...

        Among as many changes those come first that lose the least score, then those that
        change the earlier layers.
        """
        orders = [
            np.argsort(-row[:choices], kind="stable")
            for row, choices in zip(self.scores, self.space.num_choices, strict=True)
        ]
        losses = [
            row[order[0]] - row[order] for row, order in zip(self.scores, orders, strict=True)
        ]
        # Entries: number of changes, lost score, and the changes as (layer, rank of its new
        # choice). Each follows from one other alone, which comes before it: the last change
        # takes the next rank, or a later layer changes.
        heap: list[tuple[int, int, tuple[tuple[int, int], ...]]] = [(0, 0, ())]
        while heap:
            number, lost, changes = heapq.heappop(heap)
            ranks = dict(changes)
            yield self.space.decode([o[ranks.get(i, 0)] for i, o in enumerate(orders)])
            last, rank = changes[-1] if changes else (-1, 0)
            if changes and rank + 1 < len(orders[last]):
                more = losses[last][rank + 1] - losses[last][rank]
                heapq.heappush(heap, (number, lost + more, (*changes[:-1], (last, rank + 1))))
            for layer in range(last + 1, len(orders)):
                if len(orders[layer]) == 1:
                    continue
                entry = (number + 1, lost + losses[layer][1], (*changes, (layer, 1)))
                heapq.heappush(heap, entry)
