"""Pictures that share a batch: what is cut together, and how much of it is padding."""

import importlib
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.registry import DATA_SAMPLERS
from mmengine.runner.loops import _InfiniteDataloaderIterator
from torch.utils.data import DataLoader

from mmpanonas.datasets.batches import InfiniteGroupBatchSampler, cut_by_shape
from mmpanonas.errors import InputError
from tests.conftest import ROOT

SIZES = st.tuples(st.integers(100, 700), st.integers(100, 700))


class Sizes:
    """A data set of which sizes alone are known; reading a picture fails."""

    def __init__(self, sizes) -> None:
        self.sizes = sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, idx: int) -> int:
        raise AssertionError(f"picture {idx} is read")

    def get_data_info(self, idx: int) -> dict:
        return dict(zip(("height", "width"), self.sizes[idx], strict=True))


@settings(deadline=None)
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


FLAT, HIGH = (2, 3), (3, 2)
SETS = st.lists(st.sampled_from([FLAT, HIGH]), min_size=1, max_size=12)


def batches(sizes, batch: int, count: int, rank: int = 0, ranks: int = 1, seed: int = 0, **more):
    """The first ``count`` of a rank."""
    order = InfiniteSampler(Sizes(sizes), seed=seed, **more)
    order.rank, order.world_size = rank, ranks
    return list(islice(InfiniteGroupBatchSampler(order, batch), count))


@settings(deadline=None)
@given(SETS, st.integers(1, 4), st.integers(0, 3))
def test_a_batch_has_one_orientation_and_an_epoch_every_picture_once(sizes, batch, seed):
    found = batches(sizes, batch, 3 * len(sizes), seed=seed)
    assert all(len(each) == batch for each in found)
    assert all(len({sizes[i] for i in each}) == 1 for each in found)
    for shape in (FLAT, HIGH):
        group = [i for i, size in enumerate(sizes) if size == shape]
        came = [i for each in found for i in each if sizes[i] == shape]
        for epoch in range(len(came) // max(1, len(group))):
            assert sorted(came[epoch * len(group) : (epoch + 1) * len(group)]) == group
    assert {i for each in found for i in each} == set(range(len(sizes)))


@settings(deadline=None)
@given(SETS, st.integers(1, 4), st.integers(1, 5), st.integers(0, 3))
def test_the_ranks_batches_are_those_of_one_rank_in_turn(sizes, batch, ranks, seed):
    alone = batches(sizes, batch, 6 * ranks, seed=seed)
    shards = [batches(sizes, batch, 6, rank, ranks, seed) for rank in range(ranks)]
    assert [each for turn in zip(*shards, strict=True) for each in turn] == alone


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.booleans(), st.integers(0, 3))
def test_pictures_of_one_orientation_come_as_from_an_infinite_sampler(count, batch, shuffle, seed):
    sizes = [FLAT] * count
    found = batches(sizes, batch, 8, seed=seed, shuffle=shuffle)
    order = InfiniteSampler(Sizes(sizes), seed=seed, shuffle=shuffle)
    assert [i for each in found for i in each] == list(islice(order, 8 * batch))


class Readable(Sizes):
    """Writes down what is read."""

    def __init__(self, sizes) -> None:
        super().__init__(sizes)
        self.read: list[int] = []

    def __getitem__(self, idx: int) -> int:
        self.read.append(idx)
        return idx


@settings(deadline=None)
@given(SETS, st.integers(1, 3), st.integers(0, 15), st.integers(1, 3))
def test_resuming_goes_on_as_if_uninterrupted_and_reads_nothing_before(sizes, batch, done, ranks):
    whole = batches(sizes, batch, done + 4, ranks - 1, ranks)
    data = Readable(sizes)
    order = InfiniteSampler(data, seed=0)
    order.rank, order.world_size = ranks - 1, ranks
    grouped = InfiniteGroupBatchSampler(order, batch)
    loader = DataLoader(data, batch_sampler=grouped, collate_fn=list)
    iterator = _InfiniteDataloaderIterator(loader)
    iterator.skip_iter(done)
    assert data.read == []
    assert [next(iterator) for _ in range(4)] == whole[done:]
    assert data.read == [i for each in whole[done:] for i in each]


def test_another_sampler_is_refused_in_one_line():
    grouped = dict(type="InfiniteGroupBatchSampler", batch_size=2)
    with pytest.raises(InputError, match="an InfiniteSampler, got DefaultSampler: set"):
        DATA_SAMPLERS.build(dict(grouped, sampler=DefaultSampler(Sizes([FLAT]), seed=0)))
