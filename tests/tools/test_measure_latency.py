"""measure_latency.py: the table that it writes is one that budgets read; errors."""

import json
import runpy
from datetime import date

import numpy as np
import pytest
import torch
from mmdet.datasets.transforms import FixScaleResize
from mmengine.config import Config

from mmpanonas.config import load_config
from mmpanonas.space import Budget, CostMeasure, NetworkShape, Part, SearchSpace
from tests.conftest import ROOT, shapes_arch
from tests.tools.conftest import one_line

TOOL = "tools/analysis_tools/measure_latency.py"
CONFIG = "configs/auto_panoptic/shapes/supernet.py"
QUICK = ("--repeats", 1, "--networks", 3, "--threads", 1)


def shapes_space() -> SearchSpace:
    layers = {name: len(choices) for name, choices in shapes_arch().to_dict().items()}
    return SearchSpace(Part(name, count) for name, count in layers.items())


def test_the_table_serves_as_a_budget_and_says_where_it_comes_from(call_tool, tmp_path):
    path = tmp_path / "latency.json"
    code, out, err = call_tool(TOOL, CONFIG, "--out", path, "--size", 64, 96, *QUICK)
    assert code == 0, err
    table = json.loads(path.read_text())
    assert (table["size"], table["repeats"], table["threads"]) == ([64, 96], 1, 1)
    assert (table["torch"], table["date"]) == (torch.__version__, date.today().isoformat())
    assert table["config"] == CONFIG
    shape = NetworkShape.of_model(load_config(CONFIG).model)
    measure = CostMeasure("latency", "network", table=str(path))
    check = table["check"]
    assert len(check["predicted"]) == len(check["measured"]) == 3
    assert min(check["measured"]) > 0
    arch = shapes_space().sample(np.random.default_rng(0))  # the first that it checked
    assert measure.of(arch, shape) == check["predicted"][0]
    Budget("latency", 1e6, "network", table=str(path)).check_reachable(shapes_space(), shape)
    assert f"mean absolute error {check['mean_error_percent']:.2f} %" in out
    assert f"Kendall's tau {check['kendall_tau']:.3f}" in out
    assert f"{table['device']}, threads: 1" in out
    assert "measure: 100%" in err


def test_the_picture_is_by_default_one_of_the_test_pipeline(call_tool, tmp_path):
    path = tmp_path / "latency.json"
    options = ("--cfg-options", "image_scale=(96,64)")
    code, _, err = call_tool(TOOL, CONFIG, "--out", path, *QUICK, *options)
    assert code == 0, err
    assert json.loads(path.read_text())["size"] == [64, 96]


@pytest.mark.parametrize("kind", ["mmdet.FixScaleResize", FixScaleResize])
def test_a_resize_is_known_by_its_class(kind):
    step = dict(type=kind, scale=(96, 64))
    cfg = Config(dict(test_dataloader=dict(dataset=dict(pipeline=[dict(type="Pad"), step]))))
    assert runpy.run_path(str(ROOT / TOOL))["test_size"](cfg) == (64, 96)


def test_errors_are_one_line(call_tool, tmp_path):
    assert "'configs/none.py', which does not exist" in one_line(call_tool(TOOL, "configs/none.py"))
    message = one_line(call_tool(TOOL, CONFIG, "--out", tmp_path / "no/latency.json"))
    assert "no/latency.json', which cannot be written: its folder does not exist" in message
    message = one_line(call_tool(TOOL, "configs/panoptic_fpn/shapes_r50.py"))
    assert "model.type is PanopticFPN; expected AutoPanoptic" in message
    code, _, err = call_tool(TOOL, CONFIG, "--repeats", 0)
    assert (code, "expected a whole number of 1 or more, got '0'" in err) == (2, True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(call_tool):
    message = one_line(call_tool(TOOL, CONFIG, "--device", "cuda"))
    assert "there is no GPU that PyTorch can use" in message
