"""Numbers with a bootstrap confidence interval (percentile method; Efron 1979)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmpanonas.errors import InputError

LEAST_RESAMPLES = 100  # fewer say nothing about the ends of an interval
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Estimate:
    """A number and its bootstrap 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap(
    statistic: Callable[..., float], *sizes: int, resamples: int = 2000, seed: int = 0
) -> Estimate:
    """``statistic`` of whole samples, and its interval over samples drawn with replacement.

    Args:
        statistic: of one array of places for each of ``sizes``; (size,) int64, all places once
            for the value, drawn for the interval. NaN says nothing and is left out.
        sizes: of independent samples; what belongs together is drawn together by sharing one.
        resamples: 100 or more.
        seed: of the draws.

    Raises:
        InputError: fewer resamples, an empty sample, or only draws that say nothing.
    """
    if resamples < LEAST_RESAMPLES:
        raise InputError(f"a bootstrap needs {LEAST_RESAMPLES} resamples or more, got {resamples}")
    if not sizes or min(sizes) < 1:
        raise InputError(f"a bootstrap needs samples that are not empty, got {sizes}")
    rng = np.random.default_rng(seed)
    draws = [rng.integers(size, size=(resamples, size)) for size in sizes]
    found = np.array([statistic(*draw) for draw in zip(*draws, strict=True)], float)
    found = found[~np.isnan(found)]
    if not len(found):
        raise InputError("a bootstrap in which no draw has a value: too few, or all equal")
    low, high = np.percentile(found, INTERVAL)
    return Estimate(float(statistic(*map(np.arange, sizes))), float(low), float(high))
