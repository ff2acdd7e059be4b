"""Arguments with which a strategy plans exactly so many evaluations."""

import math

from mmpanonas.errors import InputError
from mmpanonas.strategies import STRATEGIES
from mmpanonas.strategies.path_priority import CYCLE


def sizes(strategy: str, evaluations: int) -> dict[str, int]:
    """Arguments of the named strategy for ``evaluations`` candidates; one's own has generations.

    Raises:
        InputError: it cannot plan this number, or there is no such strategy; the message says
            what it can.
    """
    if strategy not in STRATEGIES:
        raise InputError(f"expected a strategy of {sorted(STRATEGIES)}, got {strategy!r}")
    return _SIZES.get(strategy, _generations)(evaluations)


def _generations(evaluations: int) -> dict[str, int]:
    """DetNAS's proportions as nearly as the number divides: a population of 2.5 generations."""
    divisors = [size for size in range(5, evaluations // 2 + 1) if evaluations % size == 0]
    if not divisors:
        raise InputError(
            f"{evaluations} evaluations do not divide into generations; give a product of 2 "
            f"or more generations of 5 or more, such as 60 = 5 x 12"
        )
    population = min(divisors, key=lambda size: abs(math.log(size * size / evaluations / 2.5)))
    return dict(generations=evaluations // population, population=population)


def _evolution(evaluations: int) -> dict[str, int]:
    """A fifth of a generation are parents, two fifths mutants, two fifths crosses."""
    planned = _generations(evaluations)
    parents, share = (round(part * planned["population"]) for part in (0.2, 0.4))
    return planned | dict(parents=parents, mutants=share, crosses=share)


def _path_priority(evaluations: int) -> dict[str, int]:
    """As many whole cycles as leave one evaluation for the winner; the rest runners-up."""
    cycles = (evaluations - 1) // CYCLE
    if cycles < 1:
        raise InputError(
            f"path priority: {evaluations} evaluations, fewer than a cycle of {CYCLE} and "
            f"its winner; give {CYCLE + 1} or more"
        )
    return dict(cycles=cycles, paths=CYCLE, runners_up=evaluations - cycles * CYCLE - 1)


_SIZES = dict(
    Evolution=_evolution,
    Pareto=_generations,
    PathPriority=_path_priority,
    Random=lambda evaluations: dict(total=evaluations),
)
