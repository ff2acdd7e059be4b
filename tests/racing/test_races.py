"""Races by hand: counts, standard errors, who leaves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.panoptic.quality import mean_quality
from mmpanonas.racing import Contestant, Halving, PairedTest, PictureCounts
from mmpanonas.racing.counts import standard_error

CLASSES = range(3)
COUNTS = st.dictionaries(
    st.integers(0, 2),
    st.tuples(*[st.integers(0, 3)] * 3, st.floats(0, 3)).filter(lambda c: any(c[:3])),
)


def of(*pictures: dict) -> PictureCounts:
    return PictureCounts.of(pictures, CLASSES)


def hits(*ious: float) -> PictureCounts:
    """One thing of one class in each picture, found with such an IoU."""
    return of(*({0: (1, 0, 0, iou)} for iou in ious))


@given(st.lists(COUNTS, min_size=1, max_size=5))
def test_quality_is_the_metrics(pictures):
    totals = [
        tuple(sum(p.get(label, (0, 0, 0, 0.0))[i] for p in pictures) for i in range(4))
        for label in CLASSES
    ]
    assert of(*pictures).quality == pytest.approx(mean_quality(totals)[0]["PQ"])


@given(st.lists(COUNTS, min_size=2, max_size=5))
def test_the_jackknife_leaves_out_one_picture_each(pictures):
    rest = [of(*pictures[:i], *pictures[i + 1 :]).quality for i in range(len(pictures))]
    assert of(*pictures).left_out == pytest.approx(rest)


def test_other_groups_see_their_classes_alone():
    pictures = [{0: (1, 0, 0, 0.6), 2: (0, 1, 0, 0.0)}]
    assert PictureCounts.of(pictures, range(2)).quality == pytest.approx(60)
    assert PictureCounts.of(pictures, range(2, 3)).quality == 0


def test_the_standard_error_of_a_mean_is_the_textbooks():
    values = np.array([1.0, 2.0, 3.0, 6.0])
    left_out = (values.sum() - values) / 3
    infinite = values.std(ddof=1) / 2
    assert standard_error(left_out, 10**9) == pytest.approx(infinite)
    assert standard_error(left_out, 8) == pytest.approx(infinite * np.sqrt(0.5))
    assert standard_error(left_out, 4) == 0
    assert standard_error(left_out[:1], 8) == float("inf")


def test_an_interval_shrinks_to_the_number_itself():
    counts = hits(0.6, 0.8, 0.7, 0.9)
    low, high = counts.interval(8)
    assert low < counts.quality < high
    assert counts.interval(4) == (counts.quality, counts.quality)


@pytest.mark.parametrize(
    ("race", "rungs"),
    [
        (Halving(), [15, 30, 60, 120]),
        (Halving([0.001, 1]), [1, 120]),
        (PairedTest(0.25, 0.25), [30, 60, 90, 120]),
        (PairedTest(1, 0.1), [120]),
    ],
)
def test_rungs_rise_to_all_pictures(race, rungs):
    assert race.rungs(120) == rungs


def test_halving_keeps_the_better_half_and_no_fewer_than_the_seats():
    field = [Contestant(hits(iou)) for iou in (0.6, 0.9, 0.7, 0.8)]
    assert Halving().leaving(field, [], 1, 10) == [0, 2]
    assert Halving().leaving(field, [], 3, 10) == [0]
    assert Halving().leaving(field, [], 9, 10) == []
    equals = [Contestant(hits(0.6))] * 1 + [Contestant(hits(0.6)) for _ in range(3)]
    assert Halving().leaving(equals, [], 1, 10) == [2, 3]  # the earlier proposed stay


@pytest.mark.parametrize("race", [Halving(keep=0), PairedTest(z=0)])
def test_the_cheaper_of_two_goals_is_left_by_the_cheap_alone(race):
    """By pairs: (0.9, dear), (0.7, middle), (0.8, cheap)."""
    goals = zip((0.9, 0.7, 0.8), (3.0, 2.0, 1.0), strict=True)
    field = [Contestant(hits(iou, iou), cost) for iou, cost in goals]
    if isinstance(race, PairedTest):
        assert race.leaving(field, [], 1, 10) == [1]
    else:
        assert race.leaving(field, [], 2, 10) == [1]


def test_a_paired_difference_tells_what_scores_alone_do_not():
    """Pictures differ by far more than candidates, and alike in both."""
    base = np.array([0.55, 0.95, 0.6, 0.9, 0.7, 0.8])
    noise = np.array([0.01, 0.0, 0.01, 0.0, 0.01, 0.0])
    ahead, behind = Contestant(hits(*base)), Contestant(hits(*(base - 0.02 - noise)))
    test = PairedTest(z=3)
    assert test.leaving([ahead, behind], [], 1, 100) == [1]
    assert test.leaving([behind], [ahead], 1, 100) == [0]
    assert test.leaving([ahead, behind], [], 2, 100) == []
    mixed = Contestant(hits(*(base - 0.02 + np.array([0.2, -0.2] * 3))))
    assert test.leaving([ahead, mixed], [], 1, 100) == []


def test_the_best_never_leave():
    rng = np.random.default_rng(0)
    field = [Contestant(hits(*rng.uniform(0.5, 1, 6))) for _ in range(12)]
    best = sorted(range(12), key=lambda place: -field[place].quality)
    for race in (Halving(keep=0), PairedTest(z=0)):
        for seats in (1, 3, 12):
            assert sorted({*range(12)} - {*race.leaving(field, [], seats, 9)}) == sorted(
                best[:seats]
            )


def test_impossible_rungs_are_refused():
    with pytest.raises(InputError, match=r"race.rungs: expected rising shares, got \[0.5, 0.2\]"):
        Halving([0.5, 0.2])
    with pytest.raises(InputError):
        Halving([0.0, 0.5])
    with pytest.raises(InputError):
        PairedTest(step=0)
