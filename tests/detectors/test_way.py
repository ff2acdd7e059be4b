"""A RetinaNet's backbone from a supernet to a tested network, by the shipped tools and configs."""

import csv
import json
from pathlib import Path

import pytest
import torch

from mmpanonas.checkpoints.weights import held_choices
from mmpanonas.onnx import Network
from tests.detectors.conftest import CONFIGS

SEARCH = {
    f"val_cfg.strategy.{key}": value
    for key, value in dict(generations=2, population=3, parents=1, mutants=1, crosses=1).items()
}


def scores(folder: Path) -> dict[str, float]:
    (path,) = folder.glob("*/*.json")
    found = json.loads(path.read_text())
    return {key: value for key, value in found.items() if key.startswith("coco/")}


def test_supernet_search_retraining_test_and_export(run, small, call_tool):
    config = {name: CONFIGS / f"shapes_retinanet_{name}.py" for name in ("supernet", "retrain")}
    supernet = run("train", "supernet", config["supernet"]) / "iter_12.pth"
    state = torch.load(supernet, weights_only=False)["state_dict"]
    held = held_choices(state)
    assert len(held) == 10
    assert {len(choices) for choices in held.values()} == {4}
    assert {key.split(".")[0] for key in state} == {"backbone", "neck", "bbox_head"}

    found = run(
        "search", "search", CONFIGS / "shapes_retinanet_search_evolution.py", supernet, **SEARCH
    )
    with (found / "ranking.csv").open() as file:
        best = next(csv.DictReader(file))
    results = [json.loads(line) for line in (found / "results.jsonl").open()]
    fitness = [each["metrics"]["coco/bbox_mAP"] for each in results]
    assert len(fitness) == 6
    assert float(best["coco/bbox_mAP"]) == max(fitness) > 0
    winner = results[fitness.index(max(fitness))]
    arch = found / "arch.json"
    assert json.loads(arch.read_text())["backbone"] == winner["arch"]["backbone"]

    path = run("test", "path", config["supernet"], supernet, "--arch", arch)
    assert scores(path) == pytest.approx(winner["metrics"], abs=1e-9)

    chosen = {"model.backbone.arch": arch, "train_cfg.val_interval": 12}
    network = run("train", "retrain", config["retrain"], **chosen) / "iter_12.pth"
    state = torch.load(network, weights_only=False)["state_dict"]
    assert list(held_choices(state).values()) == [{choice} for choice in winner["arch"]["backbone"]]
    assert set(scores(run("test", "test", config["retrain"], network, **chosen))) > {
        "coco/bbox_mAP"
    }

    # ONNX takes the backbone of any detector.
    out = found / "backbone.onnx"
    words = [f"{key}={value}" for key, value in (small | chosen).items()]
    argv = (config["retrain"], network, out, "--backbone", "--pictures", 2, "--cfg-options", *words)
    code, said, err = call_tool("tools/deployment/export_onnx.py", *argv)
    assert code == 0, err
    assert "wrote" in said
    assert len(Network(out).outputs) == 4
