"""The check of a GPU, tried on the CPU: every part runs and says what it is to say."""

import json


def test_every_part_runs_on_a_cpu(call_tool, tmp_path):
    options = ["--device", "cpu", "--size", 64, 64, "--pictures", 4, "--iterations", 12]
    options += ["--precision", "float32", "--num-workers", 0, "--out", tmp_path / "figures.json"]
    config = "configs/auto_panoptic/shapes/search_evolution.py"
    code, out, _ = call_tool("tools/gpu_check.py", "--config", config, *options)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert code == 0, out
    assert figures["operators"]["nms_equal"] is True
    assert figures["operators"]["deformable_gradients"] < 1e-6  # of two runs on one device
    assert figures["supernet, float32"]["seconds"] > 0
    assert len(figures["supernet, float32"]["all_seconds"]) == 12
    assert figures["candidate, float32"]["pictures"] == 24
    assert set(figures["loss"]) == {"cpu"}
