"""The bootstrap: a constant, a known distribution, samples of their own, what says nothing."""

import math

import numpy as np
import pytest

from mmpanonas.errors import InputError
from mmpanonas.evaluation import Estimate, bootstrap


def test_a_constant_has_no_width():
    values = np.full(7, 4.25)
    assert bootstrap(lambda i: values[i].mean(), 7, resamples=100) == Estimate(4.25, 4.25, 4.25)


def mean(sample):
    return lambda i: sample[i].mean()


def spread(sample):
    return lambda i: sample[i].std(ddof=1)


def noise(pairs):
    """The pooled deviation of pairs: half the squared difference, on average."""
    return lambda i: math.sqrt(((pairs[i, 0] - pairs[i, 1]) ** 2).mean() / 2)


@pytest.mark.parametrize(
    ("statistic", "shape", "truth", "covers"),
    [
        (mean, (30,), 5, 0.935),
        (mean, (6,), 5, 0.86),
        (spread, (48,), 2, 0.91),
        (noise, (24, 2), 2, 0.87),
    ],
)
def test_how_often_an_interval_covers_the_truth(statistic, shape, truth, covers):
    """Nineteen times in twenty is the aim; the percentile method falls short of it on few values.

    300 normal samples (mean 5, deviation 2): the share has a standard error of 0.02 at most.
    """
    samples = np.random.default_rng(0).normal(5.0, 2.0, (300, *shape))
    found = [bootstrap(statistic(sample), shape[0], resamples=400) for sample in samples]
    share = np.mean([each.low <= truth <= each.high for each in found])
    assert share == pytest.approx(covers, abs=0.05)


def test_the_width_is_that_of_the_normal_law():
    """The mean of n values has the standard error sd / sqrt(n)."""
    values = np.random.default_rng(1).normal(0, 3, 400)
    found = bootstrap(lambda i: values[i].mean(), 400, resamples=2000)
    error = values.std() / math.sqrt(400)
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.06)


def test_samples_are_drawn_apart():
    """A difference of means: the variances of both add up; drawn together they would cancel."""
    values = np.random.default_rng(2).normal(0, 1, 200)
    found = bootstrap(lambda i, j: values[i].mean() - values[j].mean(), 200, 200)
    assert found.value == 0
    expected = 2 * 1.96 * values.std() * math.sqrt(2 / 200)
    assert (found.high - found.low) / expected == pytest.approx(1, abs=0.08)
    together = bootstrap(lambda i: values[i].mean() - values[i].mean(), 200)
    assert together == Estimate(0, 0, 0)


def test_draws_that_say_nothing_are_left_out():
    values = np.array([math.nan, 1.0])
    found = bootstrap(lambda i: values[i].mean(), 2, resamples=100)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (1, 1)


@pytest.mark.parametrize(
    ("sizes", "resamples", "message"),
    [
        ((3,), 99, "100 resamples or more, got 99"),
        ((), 100, "samples that are not empty"),
        ((3, 0), 100, "samples that are not empty"),
    ],
)
def test_too_little_is_refused(sizes, resamples, message):
    with pytest.raises(InputError, match=message):
        bootstrap(lambda *drawn: 1.0, *sizes, resamples=resamples)
    with pytest.raises(InputError, match="no draw has a value"):
        bootstrap(lambda drawn: math.nan, 3)
