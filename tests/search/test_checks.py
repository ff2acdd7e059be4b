"""What a search's config must agree on, without a search."""

import json
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mmpanonas.errors import InputError
from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.search.checks import build_cost, check_costs
from mmpanonas.search.fitness import check_metric
from mmpanonas.search.identity import pictures_digest
from mmpanonas.space import Budget, NetworkShape, space_of
from tests.conftest import SHAPES, write_latency_table


@pytest.fixture
def config() -> Config:
    return Config.fromfile(SHAPES / "supernet.py", import_custom_modules=False)


def loader(*scale: int) -> dict:
    resize = dict(type="Resize", scale=scale)
    return dict(dataset=dict(dataset=dict(ann_file="a.json", pipeline=[resize])))


def test_a_latency_table_is_of_the_size_of_the_pictures(config, tmp_path):
    shape = NetworkShape.of_model(config.model)
    table = write_latency_table(tmp_path / "t.json", space_of(config.model), shape)
    costs = {"budgets[0]": dict(quantity="latency", limit=9, table=str(table))}
    check_costs(costs, config.model, loader(96, 64))
    with pytest.raises(InputError, match=r"budgets\[0\]: .* of 64 x 96, .* scaled to 480 x 640"):
        check_costs(costs, config.model, loader(640, 480))
    costs["budgets[0]"]["size"] = (64, 96)
    check_costs(costs, config.model, loader(640, 480))
    build_cost(Budget, "budgets", costs["budgets[0]"])
    with pytest.raises(InputError, match=r"size=\(1, 2\): latency table .* at \(64, 96\)"):
        build_cost(Budget, "budgets", costs["budgets[0]"] | dict(size=(1, 2)))


def test_a_budget_of_what_is_not_counted_is_refused(config):
    config.model.neck.type = "PAFPN"
    check_costs({"budgets[0]": dict(quantity="macs")}, config.model, loader(9, 9))
    with pytest.raises(InputError, match=r"val_cfg\.strategy\.cost asks for the cost of the netw"):
        check_costs({"strategy.cost": dict(scope="network")}, config.model, loader(9, 9))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("macs", r"expected dict\(quantity=\.\.\.\), got 'macs'"),
        (dict(quantity="macs"), "lacks limit; its keys are quantity, limit, scope, size, table"),
        (dict(quantity="macs", limit=3, scpe="network"), "has no scpe"),
        (
            dict(quantity="macs", limit=float("nan")),
            "limit: expected a number of 0 or more, got nan",
        ),
        (dict(quantity="macs", limit=3, size=(0, 1)), "height, width"),
    ],
)
def test_a_budget_names_what_it_has(given, words):
    with pytest.raises(InputError, match=words):
        build_cost(Budget, "budgets", given)


def test_the_fitness_is_one_of_the_metrics():
    ours, silent = PanopticQualityMetric(), SimpleNamespace(prefix="coco")
    check_metric("coco_panoptic/SQ_th", [ours])
    check_metric("coco/bbox_mAP", [ours, silent])
    with pytest.raises(
        InputError, match="got 'coco_panoptic/pq_th'; the nearest is coco_panoptic/PQ_th"
    ):
        check_metric("coco_panoptic/pq_th", [ours, silent])


def test_pictures_are_told_apart_by_name_and_size(tmp_path):
    (tmp_path / "img").mkdir()
    (tmp_path / "seg").mkdir()
    files = [tmp_path / "img/a.jpg", tmp_path / "img/b.jpg", tmp_path / "seg/a.png"]
    for file in files:
        file.write_bytes(b"12345")
    entries = {"images": ["a.jpg", "b.jpg"], "annotations": ["a.png"]}
    content = {key: [{"file_name": name} for name in names] for key, names in entries.items()}
    (tmp_path / "a.json").write_text(json.dumps(content))
    prefix = dict(img="img", seg="seg")
    dataset = dict(data_root=str(tmp_path), ann_file="a.json", data_prefix=prefix)
    first = pictures_digest(dataset)
    files[0].write_bytes(b"54321")
    (tmp_path / "img/unused.jpg").write_bytes(b"1")
    assert pictures_digest(dataset) == first
    for file in files:
        file.write_bytes(b"123456")
        assert pictures_digest(dataset) != first
        file.unlink()
        assert pictures_digest(dataset) != first
        file.write_bytes(b"12345")
    assert pictures_digest(dataset) == first
    (tmp_path / "a.json").write_text("no JSON")
    assert pictures_digest(dataset) is None
    assert pictures_digest(dataset | dict(ann_file="https://a.org/a.json")) is None
