"""A strategy run to its end on scores that are known, or found when they are asked for."""

from collections.abc import Callable

from mmpanonas.space import Arch
from mmpanonas.strategies.strategy import Strategy


def replay(strategy: Strategy, score: Callable[[Arch], float]) -> dict[Arch, float]:
    """Tell a fresh strategy the score of everything that it proposes.

    Returns:
        The proposals with their scores, in the order of proposals. The answer of a search, as
        :func:`best_of` picks it, is the best of them.
    """
    scores: dict[Arch, float] = {}
    while not strategy.done:
        for arch in strategy.propose(strategy.total):
            scores[arch] = score(arch)
            strategy.tell(arch, scores[arch])
    return scores


def best_of(scores: dict[Arch, float]) -> Arch:
    """What a search returns: the best proposal, the earlier of equals."""
    return max(scores, key=scores.__getitem__)
