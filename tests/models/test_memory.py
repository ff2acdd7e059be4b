"""Predicted memory: by hand, by laws, and against what a GPU took."""

import gc
import json

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from mmpanonas.config.classes import class_slots
from mmpanonas.models.memory import LiveTensors, prediction_memory, training_memory
from tests.conftest import ROOT, shapes_arch

MEBI = 2**20


def test_live_tensors_by_hand():
    gc.collect()
    with LiveTensors() as live:
        x = torch.empty(MEBI, device="meta")
        y = x + x
        view = y.view(2, -1)
        assert live.now == 8 * MEBI
        del y
        assert live.now == 8 * MEBI  # the view holds it
        x.mul_(2)
        del view
        assert live.now == 4 * MEBI
        z = torch.empty(3, MEBI, device="meta")
        del z
    assert live.now == 4 * MEBI
    assert live.peak == 16 * MEBI


@pytest.fixture
def network(shapes_config):
    def build(**options):
        config = shapes_config("supernet", **{f"model.{k}": v for k, v in options.items()})
        model = MODELS.build(config.model).to("meta").train()
        model.set_arch(shapes_arch("xception", "df_5x5"))
        return model

    return build


def test_activations_grow_with_the_pictures_and_shrink_when_they_are_recomputed(network):
    model = network()
    one, two, three = (training_memory(model, (128, 128), n) for n in (1, 2, 3))
    assert one.kept < two.kept < three.kept
    assert three.kept - two.kept == pytest.approx(two.kept - one.kept, rel=0.01)
    weights = 4 * sum(p.numel() for p in model.parameters())
    assert one.weights == 3 * weights
    assert training_memory(model, (128, 128), 1, gpus=2).weights == 4 * weights
    assert one.peak > one.weights + one.kept
    saving = training_memory(network(**{"backbone.with_cp": True}), (128, 128), 2)
    assert saving.kept < 0.8 * two.kept
    assert saving.peak < two.peak


def test_a_prediction_keeps_nothing_for_a_backward_pass(network):
    model = network()
    kept = training_memory(model, (128, 128), 1).kept
    assert 0 < prediction_memory(model.eval(), (128, 128)) < kept


def test_a_training_takes_what_a_gpu_measured():
    measured = json.loads((ROOT / "docs/results/gpu_h200.json").read_text())
    config = Config.fromfile("configs/auto_panoptic/custom_full/supernet.py")
    for part, key, kind in class_slots(config.model):
        part[key] = (6, 4)[kind]  # of the shapes that tools/gpu_check.py renders
    model = MODELS.build(config.model).to("meta").train()
    model.set_arch(model.search_space.fair_path(0, 0))
    predicted = training_memory(model, (800, 1344), 2).peak / 2**30
    assert predicted == pytest.approx(measured["supernet, float32"]["peak_gib"], rel=0.1)
