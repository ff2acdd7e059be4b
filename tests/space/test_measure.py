"""What an architecture costs: MACs and parameters as counted, latency as the table sums up."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mmpanonas.errors import InputError
from mmpanonas.space import (
    REPORTED,
    Arch,
    Budget,
    BudgetError,
    CostMeasure,
    LatencyTable,
    NetworkShape,
    Part,
    SearchSpace,
    backbone_cost,
    network_cost,
)
from tests.conftest import write_latency_table

SHAPE = NetworkShape(channels=(4, 6, 10, 12, 20), blocks=(1, 2, 1, 1))
SPACE = SearchSpace([Part("backbone", 5), Part("mask_head", 4), Part("things_to_stuff", 4)])
ARCH = Arch(
    ("shuffle_3x3", "shuffle_5x5", "shuffle_7x7", "xception", "xception"),
    mask_head=("dw_3x3", "at_5x5", "df_3x3", "dw_3x3"),
    things_to_stuff=("r4", "r16", "r8", "r4"),
)


@pytest.fixture
def table(tmp_path):
    return write_latency_table(tmp_path / "abacus.json", SPACE, SHAPE)


# MACs and parameters


def test_counted_costs():
    assert CostMeasure("macs").of(ARCH, SHAPE) == backbone_cost(ARCH, SHAPE).macs
    assert CostMeasure("params").of(ARCH, SHAPE) == backbone_cost(ARCH, SHAPE).params
    whole = sum(network_cost(ARCH, SHAPE, (800, 1333)).values())
    assert CostMeasure("macs", "network").of(ARCH, SHAPE) == whole.macs
    assert CostMeasure("params", "network").of(ARCH, SHAPE) == whole.params
    small = sum(network_cost(ARCH, SHAPE, (64, 96)).values())
    assert CostMeasure("macs", "network", size=[64, 96]).of(ARCH, SHAPE) == small.macs


def test_names_tell_measures_apart(table):
    assert [measure.key for measure in REPORTED] == [
        *("backbone_macs", "backbone_params", "network_macs", "network_params")
    ]
    assert [str(measure) for measure in REPORTED] == [
        "MACs of the backbone at 224x224",
        "parameters of the backbone",
        "MACs of the network at 800x1333",
        "parameters of the network",
    ]
    assert CostMeasure("macs", "network", (64, 96)).key == "network_macs_64x96"
    latency = CostMeasure("latency", "network", table=str(table))
    assert latency.key == "network_latency_ms_abacus"
    assert str(latency) == "latency in ms of the network at 64x96 on an abacus"
    assert len({*REPORTED, CostMeasure("macs", size=[224, 224]), latency}) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(quantity="flops"), "got 'flops' of 'backbone'"),
        (dict(quantity="macs", scope="neck"), "got 'macs' of 'neck'"),
        (dict(quantity="latency"), "quantity='latency', table=None"),
        (dict(quantity="macs", table="t.json"), "quantity='macs', table='t.json'"),
        (dict(quantity="latency", table="t.json", size=(1, 2.5)), r"\(height, width\) in pixels"),
        (dict(quantity="latency", table="none.json"), "table none.json does not exist: measure it"),
    ],
)
def test_what_is_no_cost_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        CostMeasure(**options)
    with pytest.raises(InputError, match=message):
        Budget(limit=1e9, **options)


def test_a_limit_is_a_number():
    with pytest.raises(InputError, match=r"limit: expected a number of 0 or more, got '1\.3G'"):
        Budget("macs", "1.3G")


# Latency


def test_latency_is_the_sum_of_the_table(table):
    backbone = 10 + 1 + 2 + 3 + 4 + 4
    heads = (1 + 6 + 3 + 1) + (1 + 3 + 2 + 1)
    assert CostMeasure("latency", table=str(table)).of(ARCH, SHAPE) == backbone
    measure = CostMeasure("latency", "network", table=str(table))
    assert measure.of(ARCH, SHAPE) == backbone + 20 + heads


def test_a_latency_budget(table):
    least, limit = 30 + 5 + 4 + 4, 50.0
    budget = Budget("latency", limit, scope="network", table=str(table))
    archs = [SPACE.sample(np.random.default_rng(seed)) for seed in range(50)]
    allowed = [arch for arch in archs if budget.allows(arch, SHAPE)]
    assert allowed == [arch for arch in archs if budget.measure.of(arch, SHAPE) <= limit]
    assert not budget.allows(ARCH, SHAPE)
    Budget("latency", least, "network", table=str(table)).check_reachable(SPACE, SHAPE)
    with pytest.raises(BudgetError) as caught:
        Budget("latency", 42.5, "network", table=str(table)).check_reachable(SPACE, SHAPE)
    assert str(caught.value) == (
        "no architecture meets the budget: latency in ms of the network at 64x96 on an abacus may "
        "be 42.5 at most, the cheapest has 43; raise the limit or narrow the network"
    )


def test_a_fixed_part_has_the_time_of_its_choice(tmp_path):
    space = SearchSpace([Part("backbone", 5, fixed=("xception",) * 5), Part("mask_head", 4)])
    table = write_latency_table(tmp_path / "t.json", space, SHAPE)
    measure = CostMeasure("latency", "network", table=str(table))
    assert measure.of(measure.cheapest(space, SHAPE), SHAPE) == 30 + 5 * 4 + 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is unreadable"),
        ('{"device": "x"', "is unreadable"),
        ("[1, 2]", "is unreadable"),
        ('{"device": "x"}', "lacks 'shape'"),
    ],
)
def test_unreadable_tables_are_refused(tmp_path, text, message):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(InputError, match=f"t.json {message}.*measure it with .*measure_latency.py"):
        LatencyTable.load(path)


@pytest.mark.parametrize("fixed", [{}, dict(backbone="1"), dict(backbone=float("nan")), dict(a=1)])
def test_times_are_numbers_and_the_backbone_has_one(tmp_path, fixed):
    table = write_latency_table(tmp_path / "t.json", SPACE, SHAPE, fixed=fixed)
    with pytest.raises(InputError, match=r"t\.json is unreadable"):
        LatencyTable.load(table)


def test_a_table_of_another_network_is_refused(tmp_path, table):
    wider = replace(SHAPE, neck_channels=100)
    measure = CostMeasure("latency", table=str(table))
    with pytest.raises(
        InputError, match="was measured for neck_channels=256, the network has neck_channels=100"
    ):
        measure.of(ARCH, wider)
    other = SearchSpace([Part("backbone", 5)])
    whole = CostMeasure("latency", "network", table=str(table))
    with pytest.raises(InputError, match="has 4 searched layers of mask_head, the network 0"):
        whole.cheapest(other, SHAPE)
    assert measure.cheapest(other, SHAPE) == Arch(("shuffle_3x3",) * 5)  # the backbone is there
    data = json.loads(table.read_text())
    del data["layers"]["mask_head"][2]["df_5x5"]
    table.write_text(json.dumps(data))
    incomplete = CostMeasure("latency", "network", table=str(table))
    assert incomplete.of(ARCH, SHAPE) == whole.of(ARCH, SHAPE)
    with pytest.raises(InputError, match=r"lacks df_5x5 of mask_head\[2\]"):
        Budget("latency", 99, "network", table=str(table)).check_reachable(SPACE, SHAPE)


def test_the_cheapest_may_leave_a_whole_part_out():
    space = SearchSpace([Part("backbone", 5), Part("stuff_to_things", 5, whole=True)])
    measure = CostMeasure("params", "network")
    cheapest = measure.cheapest(space, SHAPE)
    assert cheapest.stuff_to_things == ()
    everything = [space.decode([*[0] * 5, code]) for code in range(4)]
    assert min(everything, key=lambda a: measure.of(a, SHAPE)).stuff_to_things == ()
