"""Matching the segments of one picture: hand-made, and against vernier on random maps."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmpanonas.panoptic import picture_counts, segment_overlaps

LABELS = 3
#: Annotated ids are these times 0, 1, ...; predicted ids count on from 1.
ID_STEP = 70001


def test_overlaps_of_hand_made_maps():
    truth = np.array([[0, 0, 5], [5, 5, 5]])
    ids = np.array([[2, 0, 0], [3, 3, 2**31 - 1]])
    assert list(segment_overlaps(truth, ids).items()) == [
        ((0, 0), 1),
        ((0, 2), 1),
        ((5, 0), 1),
        ((5, 3), 2),
        ((5, 2**31 - 1), 1),
    ]


def test_the_last_crowd_of_a_class_forgives_and_the_others_do_not():
    annotated = {7: (0, True), 8: (0, True), 9: (1, True)}
    on_crowd = {(7, 1): 10, (8, 2): 10, (9, 3): 10}
    predicted = {1: 0, 2: 0, 3: 0}
    assert picture_counts(on_crowd, annotated, predicted) == {0: (0, 2, 0, 0.0)}


def test_an_annotated_segment_without_pixels_is_missed():
    assert picture_counts({(0, 0): 4}, {5: (2, False)}, {}) == {2: (0, 0, 1, 0.0)}


def verniers_counts(truth, annotated, ids, predicted):
    """The same from vernier, which follows panopticapi bit by bit (parity_mode strict)."""
    vernier = pytest.importorskip("vernier.panoptic")

    def area(value):
        return int((truth == value).sum())

    crowds = {label: i for i, (label, is_crowd) in annotated.items() if is_crowd}
    segments = [
        {"id": i, "category_id": label, "iscrowd": int(is_crowd), "area": area(i)}
        for i, (label, is_crowd) in annotated.items()
        if not is_crowd or crowds[label] == i  # it forgives on all crowds, panopticapi on the last
    ]
    found = [{"id": i, "category_id": label} for i, label in predicted.items()]
    # It refuses a data set in which nothing counts: a second picture holds one matched pixel of a
    # class of its own.
    extra = [{"id": 1, "category_id": LABELS, "iscrowd": 0, "area": 1}]
    pixel = np.ones((1, 1), np.uint32)
    categories = [{"id": i, "name": str(i), "isthing": 0} for i in range(LABELS + 1)]
    evaluator = vernier.Evaluator(parity_mode="strict", things_stuff_split=False)
    summary = evaluator.evaluate(
        vernier.Dataset.from_arrays(
            {0: truth.astype(np.uint32), 1: pixel},
            json.dumps({0: segments, 1: extra}).encode(),
            json.dumps(categories).encode(),
        ),
        vernier.Predictions.from_arrays(
            {0: ids.astype(np.uint32), 1: pixel}, json.dumps({0: found, 1: extra}).encode()
        ),
        num_threads=1,
    )
    counts = {
        label: (stats.n_tp, stats.n_fp, stats.n_fn, stats.iou_sum)
        for label, stats in summary.per_class().items()
        if label < LABELS
    }
    return {label: values for label, values in counts.items() if any(values[:3])}


@st.composite
def pictures(draw):
    """Maps of a truth and of a prediction that repeats it in large part."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    coarse = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 5)))
    truth = coarse * ID_STEP
    keeps = draw(hnp.arrays(bool, shape, elements=st.integers(0, 4).map(bool)))
    ids = np.where(keeps, coarse, draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 5))))
    labels, crowds = st.integers(0, LABELS - 1), st.integers(0, 3).map(lambda value: value == 0)
    order = draw(st.permutations(range(1, 6)))
    annotated = {number * ID_STEP: (draw(labels), draw(crowds)) for number in order}
    predicted = {
        number: annotated[number * ID_STEP][0] if draw(st.booleans()) else draw(labels)
        for number in np.unique(ids[ids > 0]).tolist()
    }
    return truth, annotated, ids, predicted


@settings(max_examples=300, deadline=None)
@given(pictures())
def test_equals_vernier_to_the_last_bit(picture):
    truth, annotated, ids, predicted = picture
    counts = picture_counts(segment_overlaps(truth, ids), annotated, predicted)
    assert counts == verniers_counts(*picture)
