"""predict_memory.py: what it says, and that other networks are refused."""

from functools import partial

import pytest

from tests.tools.conftest import one_line


@pytest.fixture
def run(call_tool, shapes_root):
    """Run the tool on small pictures; returns (exit code, stdout, stderr)."""
    call = partial(call_tool, "tools/analysis_tools/predict_memory.py")
    options = ("--cfg-options", f"data_root={shapes_root}", "train_dataloader.batch_size=1")
    return lambda config, *argv: call(config, *argv, "--shape", 60, 64, "--paths", 1, *options)


def test_what_is_predicted_is_said_in_five_lines(run):
    code, out, _ = run("configs/auto_panoptic/shapes/supernet.py")
    lines = dict(line.strip().split(": ") for line in out.splitlines())
    assert code == 0
    assert list(lines) == [
        "training on 1 pictures",
        "weights, gradients, momenta",
        "activations kept for the backward pass",
        "prediction of 1 picture",
        "recalibration on 16",
    ]
    whole, weights, kept, *_ = (float(line.split()[0]) for line in lines.values())
    assert weights + kept <= whole + 0.1  # each is rounded


def test_another_network_is_refused_in_one_line(run):
    error = one_line(run("configs/panoptic_fpn/shapes_r50.py"))
    assert "expected a model of type AutoPanoptic, got PanopticFPN" in error
