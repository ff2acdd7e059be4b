"""The check of a GPU, tried on the CPU: every part runs and says what it is to say."""

import argparse
import json
import runpy

import pytest

from mmpanonas.datasets.nas_split import split_nas
from mmpanonas.datasets.shapes import write_shapes
from tests.conftest import ROOT

CONFIG = "configs/auto_panoptic/shapes/search_evolution.py"


def test_every_part_runs_on_a_cpu(call_tool, tmp_path):
    options = ["--device", "cpu", "--size", 64, 64, "--pictures", 4, "--iterations", 12]
    options += ["--precision", "float32", "--num-workers", 0, "--out", tmp_path / "figures.json"]
    code, out, _ = call_tool("tools/gpu_check.py", "--config", CONFIG, *options)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert code == 0, out
    assert figures["operators"]["nms_equal"] is True
    assert figures["operators"]["deformable_gradients"] < 1e-6  # of two runs on one device
    assert figures["supernet, float32"]["seconds"] > 0
    assert len(figures["supernet, float32"]["all_seconds"]) == 12
    assert figures["candidate, float32"]["pictures"] == 24
    assert set(figures["loss"]) == {"cpu"}
    assert 0 < figures["fixed network, float32"]["predicted_gib"] < 1
    assert figures["ranks"]["skipped"].startswith("two ranks need two GPUs, here: ")


@pytest.mark.timeout(300)  # two ranks in processes of their own
def test_two_ranks_train_on_unlike_pictures_to_equal_weights(tmp_path):
    """As on two GPUs, by gloo."""
    write_shapes(tmp_path, {"train": 12, "val": 1}, size=(64, 64))
    split_nas(tmp_path / "annotations/panoptic_train.json", 4)
    tool = runpy.run_path(ROOT / "tools/gpu_check.py")
    args = dict(config=CONFIG, device="cpu", iterations=12, num_workers=0)
    found = tool["train_on_two_ranks"](argparse.Namespace(**args), tmp_path)
    assert found["backend"] == "gloo"
    assert found["equal_weights"] is True
    first, second = found["first_losses"]
    assert first != second, "both ranks trained on the same pictures"
