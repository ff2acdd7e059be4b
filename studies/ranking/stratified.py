"""A random sample of a space that is spread evenly over a cost."""

from collections.abc import Callable

import numpy as np

from mmpanonas.errors import InputError
from mmpanonas.space import Arch, SearchSpace


def draw_stratified(
    space: SearchSpace,
    cost: Callable[[Arch], float],
    strata: int,
    total: int,
    seed: int = 0,
    pool: int = 2000,
) -> list[list[Arch]]:
    """Draw ``total`` different architectures, equally many from each stratum of cost.

    The strata hold equal shares of the space: ``pool`` architectures drawn uniformly (the
    whole space if it has no more) are put in order of cost and cut into equal runs. So the
    sample stands for a uniform one, without its accidental gaps in cost.

    Returns:
        The strata from cheap to costly.

    Raises:
        InputError: the strata do not divide ``total``, or hold fewer than their share.
    """
    if min(strata, total) < 1 or total % strata:
        raise InputError(f"{total} architectures do not divide into {strata} strata")
    rng = np.random.default_rng(seed)
    known = sorted(_pool(space, rng, pool), key=cost)
    if len(known) < total:
        raise InputError(
            f"the space (or the pool of {pool}) holds {len(known)} architectures: draw fewer than "
            f"{total}"
        )
    runs = np.array_split(np.arange(len(known)), strata)
    share = total // strata
    return [[known[i] for i in np.sort(rng.choice(run, share, replace=False))] for run in runs]


def _pool(space: SearchSpace, rng: np.random.Generator, size: int) -> list[Arch]:
    if space.size <= size:
        return [space.decode(codes) for codes in np.ndindex(*space.num_choices)]
    drawn: dict[Arch, None] = {}
    while len(drawn) < size:
        drawn[space.sample(rng)] = None
    return list(drawn)
