import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmpanonas.panoptic.runs import Runs

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)


def maps(shape):
    return hnp.arrays(np.int32, shape, elements=st.integers(0, 3))


def test_hand_made_map():
    """A run passes the end of a row."""
    ids = np.array([[4, 4, 9], [9, 9, 4]])
    runs = Runs.of(ids)
    assert runs.starts.tolist() == [0, 2, 5]
    assert runs.lengths.tolist() == [2, 3, 1]
    assert runs.values(ids).tolist() == [4, 9, 4]
    assert runs.pixels(runs.values(ids)) == {4: 3, 9: 3}
    assert runs.paint(np.array([1, 0, 7])).tolist() == [[1, 1, 0], [0, 0, 7]]


@settings(max_examples=100, deadline=None)
@given(SHAPES.flatmap(lambda shape: st.tuples(maps(shape), maps(shape))))
def test_laws(pair):
    runs = Runs.of(*pair)
    values = [runs.values(each) for each in pair]
    for each, of_runs in zip(pair, values, strict=True):
        assert np.array_equal(runs.paint(of_runs), each)
        distinct, areas = np.unique(each, return_counts=True)
        assert list(runs.pixels(of_runs)) == distinct.tolist()
        assert list(runs.pixels(of_runs).values()) == areas.tolist()
    changes = [of_runs[1:] != of_runs[:-1] for of_runs in values]
    assert np.logical_or(*changes).all()  # no run could be longer
