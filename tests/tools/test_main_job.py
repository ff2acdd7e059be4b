"""The main job by its command line: supernet, search, retrain, test; resume and two ranks."""

import json
from pathlib import Path

import cv2
import pytest
import torch

from mmpanonas.panoptic.png import read_panoptic_png
from mmpanonas.space import Arch
from tests.conftest import SMALL, shapes_arch
from tests.ranks import free_port
from tests.tools.conftest import tool

pytestmark = pytest.mark.timeout(300)  # several tools, each a process that imports torch

CONFIGS = "configs/auto_panoptic/shapes"


def options(root: Path, **more) -> list[str]:
    chosen = SMALL | dict(data_root=f"{root}/") | more
    return ["--cfg-options", *(f"{key}={value}" for key, value in chosen.items())]


SEARCH = {
    "val_cfg.recalibration.num_images": 4,
    "val_cfg.strategy.generations": 1,
    "val_cfg.strategy.population": 3,
    "val_cfg.strategy.mutants": 0,
    "val_cfg.strategy.crosses": 0,
}


def test_supernet_to_tested_network(shapes_root, tmp_path):
    supernet, search, retrain, test = (tmp_path / n for n in ("supernet", "search", "ret", "test"))
    config = f"{CONFIGS}/supernet.py"
    tool("train.py", config, "--work-dir", supernet, *options(shapes_root))
    checkpoint = supernet / "iter_12.pth"
    assert list(supernet.glob("**/events.out.tfevents*")), "no TensorBoard log"

    config = f"{CONFIGS}/search_evolution.py"
    printed = tool(
        "search.py", config, checkpoint, "--work-dir", search, *options(shapes_root, **SEARCH)
    )
    assert "best of 3 architectures" in printed
    arch = search / "arch.json"
    assert len(Arch.load(arch).backbone) == 10
    tool("analysis_tools/draw_search.py", search, "--config", config)
    for name in ("progress.png", "arch.png"):
        assert min(cv2.imread(str(search / name)).shape[:2]) > 300
    tool("analysis_tools/report.py", search)
    assert 'id="diagram"' in (search / "report.html").read_text()

    config = f"{CONFIGS}/retrain.py"
    chosen = options(shapes_root, **{"model.arch": arch, "train_cfg.val_interval": 12})
    tool("train.py", config, "--work-dir", retrain, *chosen)
    state = torch.load(retrain / "iter_12.pth", weights_only=False)["state_dict"]
    held = {key.split(".")[4] for key in state if key.startswith("backbone.stages")}
    assert held == set(Arch.load(arch).backbone)

    chosen = ["--out", test / "coco", "--show-dir", test / "shown", "--show-num", 2, *chosen]
    tool("test.py", config, retrain / "iter_12.pth", "--work-dir", test, *chosen)
    scores = json.loads(next(test.glob("*/*.json")).read_text())
    assert 0 <= scores["coco_panoptic/PQ"] <= 100
    assert len(list((test / "shown").glob("*.png"))) == 2
    results = json.loads((test / "coco.panoptic.json").read_text())
    assert len(results["annotations"]) == 4
    for annotation in results["annotations"]:
        ids = read_panoptic_png(test / "coco.panoptic" / annotation["file_name"])
        assert ids.shape == (64, 64)
        assert set(ids.flat) - {0} == {s["id"] for s in annotation["segments_info"]}


def test_one_path_of_a_supernet_is_tested_with_its_own_statistics(shapes_root, tmp_path):
    config = f"{CONFIGS}/supernet.py"
    tool("train.py", config, "--work-dir", tmp_path / "super", *options(shapes_root))
    shapes_arch("xception").dump(tmp_path / "arch.json")
    printed = tool(
        "test.py",
        config,
        tmp_path / "super/iter_12.pth",
        "--work-dir",
        tmp_path / "test",
        "--arch",
        tmp_path / "arch.json",
        *options(shapes_root),
    )
    assert "coco_panoptic/PQ" in printed


def test_the_config_of_a_search_trains_its_supernet(shapes_root, tmp_path):
    config = "configs/auto_panoptic/ablations/uniform_sampling.py"
    tool("train.py", config, "--work-dir", tmp_path / "super", *options(shapes_root))
    assert (tmp_path / "super/iter_12.pth").exists()
    assert not (tmp_path / "super/search.json").exists()


def states_equal(first: Path, second: Path) -> bool:
    states = [torch.load(p, weights_only=False)["state_dict"] for p in (first, second)]
    return all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_resumed_supernet_takes_the_same_steps(shapes_root, tmp_path):
    """Flips off: MMEngine restores the order of pictures, not the state of augmentation."""
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    config, still = f"{CONFIGS}/supernet.py", {"train_dataloader.dataset.pipeline.3.prob": 0.0}
    still |= {"model.train_cfg.rpn.sampler.num": 4096, "model.train_cfg.rcnn.sampler.num": 4096}
    chosen = options(shapes_root, **still | {"train_cfg.max_iters": 24})
    tool("train.py", config, "--work-dir", whole, *chosen)
    short = options(shapes_root, **still)
    tool("train.py", config, "--work-dir", stopped, *short)
    printed = tool("train.py", config, "--work-dir", stopped, "--resume", *chosen)
    assert "resumed" in printed
    assert states_equal(whole / "iter_12.pth", stopped / "iter_12.pth")
    first, second = (torch.load(d / "iter_24.pth", weights_only=False) for d in (whole, stopped))
    for key, value in first["state_dict"].items():
        torch.testing.assert_close(value, second["state_dict"][key], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("config", ["supernet", "retrain"])
def test_two_ranks_train(shapes_root, tmp_path, config):
    arch = {}
    if config == "retrain":
        shapes_arch().dump(tmp_path / "arch.json")
        arch = {"model.arch": tmp_path / "arch.json", "train_cfg.val_interval": 12}
    chosen = options(shapes_root, **arch)
    config = f"{CONFIGS}/{config}.py"
    env = dict(PORT=free_port())
    tool("dist_train.sh", config, 2, "--work-dir", tmp_path / "out", *chosen, env=env)
    assert (tmp_path / "out/iter_12.pth").exists()
    if arch:
        out = tmp_path / "test"
        checkpoint = tmp_path / "out/iter_12.pth"
        tool("dist_test.sh", config, checkpoint, 2, "--work-dir", out, *chosen, env=env)
        tool("test.py", config, checkpoint, "--work-dir", tmp_path / "one", *chosen)
        scores = [json.loads(next(d.glob("*/*.json")).read_text()) for d in (out, tmp_path / "one")]
        keys = [key for key in scores[0] if key.startswith("coco_panoptic/")]
        assert len(keys) == 9
        assert all(scores[0][key] == scores[1][key] for key in keys)
