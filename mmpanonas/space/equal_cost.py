"""Another network of the same cost: its backbone made wider or narrower."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from mmpanonas.errors import InputError

#: Factors that are tried: a hundredth apart, from a fifth to fivefold.
FACTORS = np.exp(np.arange(-np.log(5), np.log(5), 0.01))


def channels_of_cost(
    channels: Sequence[int], cost: Callable[[tuple[int, ...]], float], target: float
) -> tuple[int, ...]:
    """The multiple of the backbone's ``channels`` whose ``cost`` is nearest to ``target``.

    Widths are rounded to even ones, and grow from stage to stage as the backbone needs.

    Raises:
        InputError: even the nearest is more than a tenth away.
    """
    widths = {tuple(2 * max(1, round(f * c / 2)) for c in channels) for f in FACTORS}
    able = sorted(w for w in widths if all(a < b for a, b in pairwise(w)))
    if able:
        nearest = min(able, key=lambda w: abs(cost(w) - target))
        if abs(cost(nearest) - target) <= 0.1 * target:
            return nearest
    raise InputError(
        f"no multiple of the channels {tuple(channels)} costs about {target:,.0f}: what is beside "
        f"the backbone costs too much or too little for the comparison"
    )
