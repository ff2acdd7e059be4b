"""Pictures that share a batch: what is cut together, and how much of it is padding."""

import importlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpanonas.engine.batches import cut_by_shape
from mmpanonas.errors import InputError
from tests.conftest import ROOT

SIZES = st.tuples(st.integers(100, 700), st.integers(100, 700))


class Sizes:
    """A data set of which sizes alone are known; reading a picture fails."""

    def __init__(self, sizes) -> None:
        self.sizes = sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def get_data_info(self, idx: int) -> dict:
        return dict(zip(("height", "width"), self.sizes[idx], strict=True))


@given(st.lists(SIZES, max_size=30), st.integers(1, 7), st.data())
def test_a_picture_is_cut_into_one_batch_of_its_orientation_beside_like_shapes(sizes, batch, data):
    places = range(len(sizes))
    chosen = data.draw(st.lists(st.sampled_from(places), unique=True)) if sizes else []
    cuts = cut_by_shape(Sizes(sizes), chosen, batch)
    assert sorted(i for cut in cuts for i in cut) == sorted(chosen)
    for portrait in (False, True):
        mine = [cut for cut in cuts if (sizes[cut[0]][0] > sizes[cut[0]][1]) == portrait]
        count = sum((sizes[i][0] > sizes[i][1]) == portrait for i in chosen)
        assert sum(map(len, mine)) == count
        assert len(mine) == -(-count // batch)
        ratios = sorted(sorted(max(sizes[i]) / min(sizes[i]) for i in cut) for cut in mine)
        assert all(low[-1] <= high[0] for low, high in pairwise(ratios))


def test_equal_shapes_keep_the_order_that_they_had():
    assert cut_by_shape(Sizes([(4, 6)] * 7), [0, 2, 4, 6], 3) == [[0, 2, 4], [6]]


def test_by_hand():
    sizes = [(480, 640), (640, 480), (427, 640), (640, 427), (480, 640), (640, 480)]
    assert cut_by_shape(Sizes(sizes), range(6), 2) == [[0, 4], [1, 5], [2], [3]]


@pytest.mark.parametrize("seed", range(4))
def test_of_cocos_sizes_at_most_3_percent_of_recalibration_is_padding(seed, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    padding = importlib.import_module("padding")
    before, after = padding.recalibration(padding.Sizes(20_000, seed))
    assert before > 35
    assert after < 3


def test_a_data_set_without_sizes_is_refused_in_one_line():
    class Other(Sizes):
        def get_data_info(self, idx: int) -> dict:
            return {}

    with pytest.raises(InputError, match="Other does not state the height and width of picture 1"):
        cut_by_shape(Other([(1, 2)] * 3), [1, 2], 2)
