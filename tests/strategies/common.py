"""Spaces, made-up scores and a search to the end, for the tests of strategies."""

from collections.abc import Callable, Iterator

import numpy as np

from mmpanonas.space import Arch, Part, SearchSpace
from mmpanonas.strategies import Strategy

#: What a strategy needs beside numbers.
GOALS = {"Pareto": dict(cost=lambda arch: sum(choice == "xception" for choice in arch.backbone))}

SPACE = SearchSpace.full(blocks=(2, 2, 4, 2))
SMALL = SearchSpace([Part("backbone", 2)])  # 16 architectures

Score = Callable[[Arch], float]


def separable(space: SearchSpace, seed: int) -> Score:
    """A sum over layers of what the chosen operation is worth."""
    worth = np.random.default_rng(seed).random((len(space.num_choices), 6))
    return lambda arch: float(worth[np.arange(len(worth)), space.encode(arch)].sum())


def coarse(arch: Arch) -> float:
    """A score with many ties."""
    return SPACE.encode(arch).sum() % 3


def search(strategy: Strategy, score: Score, chunks: Iterator[int] | None = None) -> list[Arch]:
    """Evaluate to the end, as many at once as ``chunks`` says (one); returns the proposals."""
    proposed = []
    while not strategy.done:
        proposals = strategy.propose(next(chunks) if chunks else 1)
        assert proposals, "neither done nor waiting for a score, but nothing is proposed"
        proposed += proposals
        for arch in proposals:
            strategy.tell(arch, score(arch))
    return proposed


def generation_of(strategy: Strategy) -> list[Arch]:
    """All that the current generation still has."""
    return strategy.propose(10**6)
