"""Shared beginnings of paths: less work, the same statistics to the last bit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.registry import MODELS
from torch import nn

from mmpanonas.recalibration.beginnings import Beginning, BeginningCache, Beginnings
from mmpanonas.recalibration.recalibration import RecalibrationBatches, measure, recalibrated
from mmpanonas.space import Arch
from tests.conftest import SEED, shapes_arch

#: Choices of five blocks: many paths share beginnings.
CHOICES = ("shuffle_3x3", "shuffle_5x5", "xception")


class Chain(nn.Module):
    """A backbone of two stages of single-channel convolutions, each followed by a norm."""

    def __init__(self, blocks: int = 5) -> None:
        super().__init__()
        self.stem = _layer(3, 2)
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))

    @property
    def chain(self):
        return [[self.stem, self.blocks[0]], list(self.blocks[1:])]


class Block(nn.Module):
    """One searched layer that counts how often it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.ops = nn.ModuleDict({choice: _layer(2, 2) for choice in CHOICES})
        self.active, self.runs = CHOICES[0], 0

    def forward(self, x):
        self.runs += 1
        return self.ops[self.active](x)


def _layer(cin: int, cout: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU())


class Model(nn.Module):
    """The smallest that can be recalibrated."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Chain()

    def data_preprocessor(self, data, training):
        return dict(inputs=torch.stack(data["inputs"]).float())

    def set_path(self, path) -> None:
        for block, choice in zip(self.backbone.blocks, path, strict=True):
            block.active = choice


torch.manual_seed(SEED)
BATCHES = [dict(inputs=list(torch.randn(size, 3, 6, 4))) for size in (2, 3, 1)]
MODEL = Model().eval()
paths = st.lists(st.sampled_from(CHOICES), min_size=5, max_size=5)


def same(a, b) -> bool:
    assert a.keys() == b.keys()
    return all(torch.equal(x, y) for name in a for x, y in zip(a[name], b[name], strict=True))


@settings(max_examples=40, deadline=None)
@given(
    order=st.lists(paths, min_size=1, max_size=8),
    room=st.sampled_from([0, 400, 1000, 3000, 10_000, 10**9]),
)
def test_any_memory_and_order_give_the_statistics_of_a_fresh_measurement(order, room):
    beginnings = Beginnings(0)
    beginnings._room = room * len(BATCHES)
    for path in order:
        MODEL.set_path(path)
        fresh = measure(MODEL, BATCHES, shared=False)
        assert same(measure(MODEL, BATCHES, False, beginnings), fresh)
        assert all(cache.used <= room for cache in beginnings.of(MODEL, BATCHES))


def test_a_path_starts_where_it_first_differs():
    beginnings, blocks = Beginnings(1), MODEL.backbone.blocks
    for path, ran in (
        ("aaaaa", "11111"),
        ("aaaaa", "00000"),
        ("aabaa", "00111"),
        ("aabab", "00001"),
        ("baaaa", "11111"),
        ("aaaac", "00001"),
    ):
        for block in blocks:
            block.runs = 0
        MODEL.set_path([CHOICES["abc".index(letter)] for letter in path])
        measure(MODEL, BATCHES, False, beginnings)
        assert [block.runs for block in blocks] == [len(BATCHES) * int(n) for n in ran], path


def test_other_batches_share_nothing():
    beginnings, others = Beginnings(1), [*BATCHES[::-1], BATCHES[0]]
    MODEL.set_path([CHOICES[0]] * 5)
    for batches in (BATCHES, others, BATCHES[:1], BATCHES):
        fresh = measure(MODEL, batches, shared=False)
        assert same(measure(MODEL, batches, False, beginnings), fresh)


def entry(count: int) -> Beginning:
    return Beginning(torch.zeros(count), {"bn": [(9, torch.zeros(1), torch.zeros(1))]})


def test_insides_of_stages_go_first_then_the_longest_unused():
    cache = BeginningCache(3 * 48)
    cache.keep(("a",), entry(10), ends_stage=True)
    cache.keep(("b",), entry(10), ends_stage=True)
    cache.keep(("b", "c"), entry(10), ends_stage=False)
    assert cache.used == 3 * 48
    assert cache.longest(("a", "x"))[0] == 1
    cache.keep(("d",), entry(10), ends_stage=True)
    assert cache.longest(("b", "c"))[0] == 1, "what lies inside a stage goes first"
    assert cache.longest(("a",))[0] == 1
    cache.keep(("e",), entry(10), ends_stage=True)
    known = [key for key in "abde" if cache.longest((key,))[0]]
    assert known == ["a", "b", "e"]
    cache.keep(("f",), entry(40), ends_stage=True)
    assert cache.longest(("f",))[0] == 0, "alone more than the bound"
    assert cache.used == 3 * 48


@pytest.fixture
def config(shapes_config):
    return shapes_config("search_evolution")


def test_a_real_supernet_also_after_its_weights_changed(config):
    torch.manual_seed(SEED)
    model = MODELS.build(config.model).eval()
    batches = RecalibrationBatches(**config.val_cfg.recalibration)
    beginnings = Beginnings(256)
    a, b = shapes_arch("shuffle_3x3"), shapes_arch("shuffle_5x5")
    child = Arch.from_dict(a.to_dict() | dict(backbone=a.backbone[:6] + b.backbone[6:]))

    def check(arch: Arch) -> None:
        model.set_arch(arch)
        fresh = measure(model, batches, shared=False)
        with recalibrated(model, batches, beginnings=beginnings) as statistics:
            assert same(statistics, fresh)
        assert fresh.keys() == statistics.keys()

    for arch in (a, b, child):
        check(arch)
    weights = MODELS.build(config.model).state_dict()
    kept = beginnings.of(model, batches)
    model.load_state_dict(weights)
    check(child)
    assert beginnings.of(model, batches) is not kept
    with torch.no_grad():
        model.backbone.stem.conv.weight.add_(1)
    check(child)
    model.double().float()
    check(child)


def test_a_model_with_norms_elsewhere_does_without(config):
    config.model.neck.norm_cfg = dict(type="BN", requires_grad=True)
    model = MODELS.build(config.model).eval()
    batches = RecalibrationBatches(**config.val_cfg.recalibration)
    beginnings = Beginnings(256)
    statistics = measure(model, batches, False, beginnings)
    assert any(name.startswith("neck") for name in statistics)
    assert all(cache.used == 0 for cache in beginnings.of(model, batches))
