"""Latency tables: with multiply-accumulates for time, sums equal whole networks exactly."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from mmpanonas.models import latency
from mmpanonas.models.latency import Job, MeasuredNetwork, Stopwatch, compare, measure
from mmpanonas.space import LatencyTable, NetworkShape, network_cost
from tests.conftest import ROOT, shapes_arch
from tests.counting import COUNTED, macs_of

SIZE = (64, 96)


@pytest.fixture
def counted():
    """A function from a config to its network and a clock that shows multiply-accumulates."""

    def build(path: str, arch=None, **keys):
        cfg = Config.fromfile(ROOT / "configs/auto_panoptic" / path)
        cfg.merge_from_dict(dict(model=keys))
        cfg.model.arch = arch
        model = MODELS.build(cfg.model).eval()
        network = MeasuredNetwork(model, NetworkShape.of_model(cfg.model), SIZE)
        used = []
        for layer in model.modules():
            if isinstance(layer, COUNTED):
                layer.register_forward_hook(lambda m, x, y: used.append(macs_of(m, x[0], y)))

        def clock(jobs: Sequence[Job]) -> list[float]:
            clock.jobs, times = len(jobs), []
            for job in jobs:
                job.prepare()
                used.clear()
                job.run()
                times.append(sum(used))
            return times

        return network, clock

    return build


@pytest.mark.parametrize(
    "config", ["shapes/supernet.py"] + [f"ablations/{p}_only.py" for p in ("backbone", "heads")]
)
def test_what_is_measured_in_pieces_adds_up_to_every_whole_network(counted, config):
    network, clock = counted(config)
    space = network.model.search_space
    archs = [space.sample(np.random.default_rng(seed)) for seed in range(6)]
    found = measure(network, archs[:4], clock)
    table = LatencyTable.from_dict(found | dict(device="a counter"), "table.json")
    for arch in archs:
        cost = network_cost(arch, network.shape, SIZE)
        assert table.of(arch, network.shape, "backbone") == cost["backbone"].macs
        assert table.of(arch, network.shape, "network") == sum(cost.values()).macs
    assert found["check"]["predicted"] == found["check"]["measured"]
    assert (found["check"]["mean_error_percent"], found["check"]["kendall_tau"]) == (0, 1)


def test_a_part_that_may_be_left_out_has_a_time_of_its_own(counted):
    whole = dict(things_to_stuff=dict(whole=True), stuff_to_things=dict(whole=True))
    network, clock = counted("shapes/supernet.py", **whole)
    space = network.model.search_space
    full = shapes_arch("xception", "df_3x3", "r8")
    archs = [
        full.replace(**dict.fromkeys(absent, ()))
        for absent in ((), ("things_to_stuff",), ("stuff_to_things",), tuple(whole))
    ]
    assert all(space.check(arch) for arch in archs)
    found = measure(network, archs, clock)
    assert found["check"]["predicted"] == found["check"]["measured"]
    assert found["whole"].keys() == whole.keys()
    table = LatencyTable.from_dict(found | dict(device="a counter"), "table.json")
    for arch in archs:
        cost = network_cost(arch, network.shape, SIZE)
        assert table.of(arch, network.shape, "network") == sum(cost.values()).macs


def test_equal_operations_are_measured_once(counted):
    network, clock = counted("shapes/supernet.py")
    found = measure(network, [network.model.search_space.sample(np.random.default_rng(0))], clock)
    assert set(found["fixed"]) == {
        *("backbone", "neck", "attention", "rpn_head", "bbox_head", "mask_head", "semantic_head")
    }
    # Four stages of first and other blocks, one kind of layer in either head, one of gate.
    assert clock.jobs == 7 + 4 * 2 * 4 + 6 + 6 + 3 + 1
    assert {part: len(rows) for part, rows in found["layers"].items()} == {
        part: len(choices) for part, choices in shapes_arch().to_dict().items()
    }


def test_a_fixed_network_has_a_table_of_its_own_operations(counted):
    arch = shapes_arch("xception", "df_3x3", "r8")
    network, clock = counted("shapes/retrain.py", arch)
    found = measure(network, [arch], clock)
    assert found["layers"]["backbone"][0].keys() == {"xception"}
    assert found["check"]["predicted"] == found["check"]["measured"]
    assert found["check"]["kendall_tau"] is None


def test_afterwards_the_network_computes_again(counted):
    network, clock = counted("shapes/supernet.py")
    arch = network.model.search_space.sample(np.random.default_rng(1))
    with torch.no_grad():
        network.model.set_arch(arch)
        before = network.model.backbone(network.picture)
        measure(network, [arch], clock)
        after = network.model.backbone(network.picture)
        moved = network.model.backbone(network.picture + 1)
    assert all(map(torch.equal, before, after))
    assert not any(map(torch.equal, before, moved))


def test_jobs_take_turns_and_the_median_counts_after_warming_up(monkeypatch):
    now, order = [0.0], []
    monkeypatch.setattr(latency.time, "perf_counter", lambda: now[0])
    durations = {"a": iter([9, 9, 1, 5, 2]), "b": iter([9, 9, 30, 10, 20])}

    def run(name: str) -> None:
        order.append(name)
        now[0] += next(durations[name]) / 1000

    def prepare() -> None:
        now[0] += 100  # is not timed

    jobs = [Job(lambda: run("a")), Job(lambda: run("b"), prepare)]
    assert Stopwatch("cpu", repeats=3)(jobs) == pytest.approx([2, 20])
    assert order == ["a", "b"] * 5


def test_comparison_by_hand():
    found = compare([1.0, 2.0, 6.0], [2.0, 2.0, 4.0])
    assert found["mean_error_percent"] == pytest.approx(100 * (0.5 + 0 + 0.5) / 3)
    assert compare([1.0, 2.0, 3.0], [1.0, 3.0, 2.0])["kendall_tau"] == pytest.approx(1 / 3)
    assert compare([1.0], [1.0])["kendall_tau"] is None
    assert compare([1.0, 1.0], [1.0, 2.0])["kendall_tau"] is None
