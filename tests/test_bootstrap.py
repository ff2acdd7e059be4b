"""The bootstrap: a constant, a known distribution, samples of their own, what says nothing."""

import math

import numpy as np
import pytest

from mmpanonas.errors import InputError
from mmpanonas.evaluation import Estimate, bootstrap


def test_a_constant_has_no_width():
    values = np.full(7, 4.25)
    assert bootstrap(lambda i: values[i].mean(), 7, resamples=100) == Estimate(4.25, 4.25, 4.25)


def test_the_interval_of_a_mean_covers_it_nineteen_times_in_twenty():
    """300 samples of 30 from a normal distribution; the percentile method covers about 93.5 %."""
    rng = np.random.default_rng(0)
    covered = 0
    for sample in rng.normal(5.0, 2.0, (300, 30)):
        found = bootstrap(lambda i, sample=sample: sample[i].mean(), 30, resamples=400)
        assert found.value == pytest.approx(sample.mean())
        covered += found.low <= 5.0 <= found.high
    assert 270 <= covered <= 294


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
