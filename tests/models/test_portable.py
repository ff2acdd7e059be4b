"""A network leaves the program that built it: pickled, copied, exported."""

import copy
import pickle

import pytest
import torch
from mmdet.registry import MODELS
from torch.onnx import OnnxExporterError

from mmpanonas.models.layers.blocks import SHUFFLES, shuffle_split
from tests.conftest import shapes_arch


@pytest.fixture
def build(shapes_config, tmp_path):
    """A function from a config's name to its network."""
    shapes_arch().dump(tmp_path / "arch.json")

    def load(name: str) -> torch.nn.Module:
        arch = {} if "supernet" in name else {"model.arch": str(tmp_path / "arch.json")}
        return MODELS.build(shapes_config(name, **arch).model).eval()

    return load


@pytest.mark.parametrize("name", ["supernet", "elastic_supernet", "retrain"])
def test_a_pickled_and_a_copied_network_predict_the_same(build, name, tmp_path):
    model, picture = build(name), torch.randn(1, 3, 64, 64)
    torch.save(model, tmp_path / "model.pth")
    copies = [
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        torch.load(tmp_path / "model.pth", weights_only=False),
    ]
    before, other = model.active_arch, model.search_space.fair_path(1, 0)
    with torch.no_grad():
        for one in copies:
            model.set_arch(before)
            one.set_arch(other)
            assert (one.active_arch, model.active_arch) == (other, before)  # nothing is shared
            model.set_arch(other)
            wanted = model.rpn_head(model.extract_feat(picture))
            found = one.rpn_head(one.extract_feat(picture))
            for maps in zip(wanted, found, strict=True):
                assert all(torch.equal(a, b) for a, b in zip(*maps, strict=True))


def test_heads_answer_in_float32_after_copying(build):
    model = copy.deepcopy(build("retrain"))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        levels = model.extract_feat(torch.randn(1, 3, 64, 64))
        maps = model.rpn_head(levels)
    assert {x.dtype for group in (levels, *maps) for x in group} == {torch.float32}


def test_a_backbone_is_exported(build, tmp_path):
    backbone, picture = build("retrain").backbone, torch.randn(1, 3, 64, 64)
    wanted = backbone(picture)
    program = torch.export.export(backbone, (picture,), strict=False)
    for a, b in zip(wanted, program.module()(picture), strict=True):
        torch.testing.assert_close(a, b)
    try:
        torch.onnx.export(backbone, (picture,), str(tmp_path / "backbone.onnx"), dynamo=False)
    except OnnxExporterError as error:  # of the last step, the writing of the whole graph
        assert str(error) == "Module onnx is not installed!"  # noqa: PT017


@pytest.mark.parametrize("shuffle", SHUFFLES)
def test_exported_channels_are_mixed_alike(shuffle, monkeypatch):
    x = torch.randn(2, 8, 3, 5)
    wanted = shuffle_split(x, shuffle)
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)
    for a, b in zip(wanted, shuffle_split(x, shuffle), strict=True):
        assert torch.equal(a, b)
