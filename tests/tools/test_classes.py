"""tools/test.py and the classes: by name, of the checkpoint, with and without annotations."""

import json
import shutil

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmpanonas.config import built, load_config
from tests.conftest import SHAPES, shapes_arch
from tests.tools.conftest import one_line

CUSTOM = SHAPES / "../custom/retrain.py"
ANN = "annotations/panoptic_val.json"


@pytest.fixture(scope="module")
def network(shapes_root, tmp_path_factory):
    """A checkpoint of random weights that predicts something of many classes; its options."""
    folder = tmp_path_factory.mktemp("network")
    shapes_arch().dump(folder / "arch.json")
    limits = dict(score_thr=0.0, stuff_area_limit=1, thing_area_limit=1)
    options = {"model.arch": str(folder / "arch.json"), "model.test_cfg.rcnn.score_thr": 0.0}
    options |= {f"model.test_cfg.panoptic.{key}": value for key, value in limits.items()}
    cfg = load_config(CUSTOM, options | {"data_root": str(shapes_root)})
    init_default_scope("mmdet")
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    with torch.no_grad():
        model.semantic_head.conv_logits.weight.mul_(1000)
    meta = built(cfg.train_dataloader.dataset).metainfo
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta=meta)), folder / "n.pth")
    return folder / "n.pth", options


@pytest.fixture
def data(shapes_root, tmp_path):
    """The pictures for testing alone: a test reads no training file."""
    for name in (ANN, "annotations/panoptic_val", "images/val"):
        place = tmp_path / "data" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        source = shapes_root / name
        shutil.copytree(source, place) if source.is_dir() else shutil.copy(source, place)
    return tmp_path / "data"


@pytest.fixture
def run(network, data, tmp_path, call_tool):
    """A function that tests on the data, after a change of its JSON."""

    def run(change=lambda content: None, *words):
        content = json.loads((data / ANN).read_text())
        change(content)
        (data / ANN).write_text(json.dumps(content))
        options = {"data_root": data} | network[1]
        options |= {"test_dataloader.num_workers": 0, "test_dataloader.persistent_workers": False}
        words = [CUSTOM, network[0], "--work-dir", tmp_path / "work", *words, "--cfg-options"]
        return call_tool("tools/test.py", *words, *(f"{k}={v}" for k, v in options.items()))

    return run


def read(tmp_path, name):
    return json.loads((tmp_path / name).read_text())


def test_the_order_of_categories_changes_no_bit(run, tmp_path):
    assert run(lambda c: None, "--out", tmp_path / "a")[0] == 0
    assert run(lambda c: c["categories"].reverse(), "--out", tmp_path / "b")[0] == 0
    scores = read(tmp_path, "a.pq.json")
    assert scores == read(tmp_path, "b.pq.json")
    assert sum(row["n_fp"] > 0 for row in scores["classes"]) > 2
    assert read(tmp_path, "a.panoptic.json") == read(tmp_path, "b.panoptic.json")


def test_other_classes_are_refused_before_the_network_is_built(run):
    def change(content):
        content["categories"][1]["name"] = "box"

    error = one_line(run(change))
    assert "['box'] only in annotation file" in error
    assert "['square'] only in the checkpoint" in error


def test_a_picture_without_annotation_counts_as_void(run, tmp_path):
    """It neither adds nor misses: the counts are those of the other pictures."""
    assert run(lambda c: c["annotations"].pop(0), "--out", tmp_path / "a")[0] == 0
    assert run(lambda c: c["images"].pop(0), "--out", tmp_path / "b")[0] == 0
    assert len(read(tmp_path, "a.panoptic.json")["annotations"]) == 4
    assert len(read(tmp_path, "b.panoptic.json")["annotations"]) == 3
    assert read(tmp_path, "a.pq.json") == read(tmp_path, "b.pq.json")


def test_a_file_without_annotations_gives_results_by_the_checkpoints_classes(run, tmp_path):
    assert run(lambda c: None, "--out", tmp_path / "a")[0] == 0

    def bare(content):
        content.pop("annotations", None)
        content["categories"].reverse()
        for category in content["categories"]:
            category.pop("isthing", None)

    error = one_line(run(bare))
    assert "has no annotations, so there is nothing to score: give --out" in error
    assert run(bare, "--out", tmp_path / "b")[0] == 0
    assert not (tmp_path / "b.pq.json").exists()
    with_truth, without = (read(tmp_path, f"{name}.panoptic.json") for name in "ab")
    assert without["categories"] == with_truth["categories"]
    named = {entry["image_id"]: entry["segments_info"] for entry in with_truth["annotations"]}
    assert {e["image_id"]: e["segments_info"] for e in without["annotations"]} == named
