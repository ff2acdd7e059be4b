"""Exported networks: PyTorch's answers at any size, without PyTorch, or a line that says why."""

import json
import subprocess
import sys

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from mmdet.models import HeuristicFusionHead
from torch import nn

from mmpanonas.deployment import export, facts_of
from mmpanonas.deployment.export import _as_onnx
from mmpanonas.errors import InputError
from mmpanonas.models.layers.attention import InterModularAttention
from mmpanonas.models.layers.blocks import ShuffleBlock
from mmpanonas.models.layers.head_ops import head_op
from mmpanonas.onnx import KEY, Network
from mmpanonas.space import ATTENTION_CHOICES, BACKBONE_CHOICES, HEAD_CHOICES
from tests.conftest import ROOT, SEED
from tests.deployment.networks import ARCH, SMALL, config, eager, picture, segment_ids
from tests.tools.conftest import one_line

META = dict(classes=[f"class {n}" for n in range(10)], thing_classes=list("abcdef"))
SMALL_OPTIONS = [f"model.{key}={value}".replace(" ", "") for key, value in SMALL.items()]
TOOL = "tools/deployment/export_onnx.py"

#: The released preset has the two orders of painting; the limits let small segments be.
RULES = {
    "panoptic_fusion_head.preset": "released",
    "test_cfg.panoptic.thing_area_limit": 4,
    "test_cfg.panoptic.stuff_area_limit": 200,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A network, and the same exported from picture to map."""
    cfg = config(**RULES)
    model, path = eager(cfg), tmp_path_factory.mktemp("onnx") / "panoptic.onnx"
    export(model, path, "panoptic", facts_of(cfg, META))
    return model, path


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """What was exported as raw branches, and the file."""
    cfg = config(**{"test_cfg.rcnn.score_thr": 0.05})
    path = tmp_path_factory.mktemp("onnx") / "raw.onnx"
    return export(eager(cfg), path, "raw", facts_of(cfg, META)), path


def test_maps_of_any_size_are_pytorchs(whole):
    model, path = whole
    network = Network(path, threads=1)
    found = 0
    for own, shown in (
        ((128, 128), (128, 128)),
        ((60, 90), (85, 128)),
        ((200, 150), (128, 96)),
        ((31, 257), (15, 128)),
    ):
        pixels = picture(*own)
        resized = network.resized(pixels)
        assert resized.shape == (*shown, 3)
        result = network(pixels)
        expected = segment_ids(model, resized, own)
        assert result.panoptic_seg.shape == own
        assert (result.panoptic_seg == expected).mean() > 0.995  # ties, and masks at the threshold
        ids, areas = np.unique(result.panoptic_seg, return_counts=True)
        areas = dict(zip(ids.tolist(), areas.tolist(), strict=True))
        assert {s["id"]: s["area"] for s in result.segments_info} == {
            number: area for number, area in areas.items() if number
        }
        assert all(s["category_id"] == (s["id"] - 1) % 1000 + 1 for s in result.segments_info)
        assert all(s["isthing"] == (s["id"] > 1000) for s in result.segments_info)
        found += sum(s["isthing"] for s in result.segments_info)
    assert found > 8


def test_a_picture_without_things_is_all_stuff(whole, tmp_path):
    _, path = whole
    file = onnx.load(path)
    (least,) = [node for node in file.graph.node if node.op_type == "GreaterOrEqual"][:1]
    limits = [n for n in file.graph.node if n.output[0] == least.input[1]]
    value = onnx.numpy_helper.to_array(limits[0].attribute[0].t)
    assert value == 0.5  # the fusion's
    limits[0].attribute[0].t.CopyFrom(onnx.numpy_helper.from_array(value * 4))
    onnx.save(file, tmp_path / "nothing.onnx")
    result = Network(tmp_path / "nothing.onnx")(picture(50, 70))
    assert result.segments_info
    assert not any(segment["isthing"] for segment in result.segments_info)


def test_branches_of_batches_of_any_size_are_pytorchs(raw):
    module, path = raw
    network = Network(path, threads=1)
    for count, size in ((1, (64, 64)), (3, (70, 96)), (2, (128, 40))):
        pictures = [picture(*size, seed) for seed in range(count)]
        found = network.run(pictures)
        batch = np.stack([network.resized(pixels) for pixels in pictures])
        with torch.no_grad():
            expected = module(torch.from_numpy(batch))
        assert set(found["picture_index"]) == set(range(count))
        for ours, theirs in zip(found.values(), expected, strict=True):
            scale = max(1, theirs.abs().max().item())
            np.testing.assert_allclose(ours / scale, theirs.numpy() / scale, atol=1e-4)
    with pytest.raises(InputError, match="make no batch"):
        network.run([picture(40, 40), picture(40, 60)])
    with pytest.raises(InputError, match="has no maps"):
        network(picture(40, 40))


class Layers(nn.Module):
    """Every operation of Table 1, in both strides of a block, on features and pooled maps."""

    def __init__(self) -> None:
        super().__init__()
        norm, self.shuffles = dict(type="BN"), ("interleave", "even_odd")
        self.blocks = nn.ModuleList(
            ShuffleBlock(choice, *widths, norm, shuffle)
            for choice in BACKBONE_CHOICES
            for shuffle in self.shuffles
            for widths in ((8, 16, 2), (8, 8, 1))
        )
        group = dict(type="GN", num_groups=2)
        self.heads = nn.ModuleList(head_op(choice, 8, 8, group) for choice in HEAD_CHOICES)
        self.attention = nn.ModuleList(_attention(choice) for choice in ATTENTION_CHOICES)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        size = x.shape[-2:]
        maps = [module(x) for module in (*self.blocks, *self.heads)]
        gates = [gate for part in self.attention for gate in part([x, x[..., ::2, ::2]], size)]
        return (*maps, *gates)


def _attention(choice: str) -> InterModularAttention:
    class Part(InterModularAttention):
        part_name = "things_to_stuff"

    return Part(16, 16, 1, arch=dict(ARCH, things_to_stuff=[choice]))


def test_every_operation_of_the_paper_is_exported():
    torch.manual_seed(SEED)
    layers = Layers().eval()
    with torch.no_grad():
        for name, weight in layers.named_parameters():
            if "conv_offset" in name:
                nn.init.normal_(weight, std=0.3)
        layers.forward(torch.randn(1, 8, 12, 16))
        axes = dict(x={0: "n", 2: "h", 3: "w"})
        content = _as_onnx(
            layers, (torch.randn(1, 8, 12, 16),), input_names=["x"], dynamic_axes=axes
        )
    kinds = {node.op_type for node in onnx.load_from_string(content).graph.node}
    assert "DeformConv" in kinds
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for size in ((1, 8, 12, 16), (2, 8, 15, 9)):
        x = torch.randn(size)
        with torch.no_grad():
            expected = layers(x)
        assert len(expected) == 16 + 6 + 3
        for ours, theirs in zip(session.run(None, {"x": x.numpy()}), expected, strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4, rtol=1e-4)


def test_only_standard_operators_and_what_the_file_says(whole):
    _, path = whole
    file = onnx.load(path)
    assert {node.domain for node in file.graph.node} == {""}
    assert [(one.domain, one.version) for one in file.opset_import] == [("", 20)]
    said = json.loads({p.key: p.value for p in file.metadata_props}[KEY])
    assert said["classes"] == META["classes"]
    assert said["things"] == 6
    assert said["scale"] == [128, 128]
    assert said["divisor"] == 32
    assert said["form"] == "panoptic"


def test_pictures_need_no_pytorch(whole, tmp_path):
    code = (
        "import sys\n"
        "from mmpanonas.onnx import Network\n"
        f"result = Network({str(whole[1])!r}, threads=1)('picture.png')\n"
        "print(result.panoptic_seg.shape, len(result.segments_info) > 0)\n"
        "print(sorted({'torch', 'mmcv', 'mmengine', 'mmdet', 'scipy', 'onnx'} & set(sys.modules)))"
    )
    cv2.imwrite(str(tmp_path / "picture.png"), picture(50, 70))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["(50, 70) True", "[]"]


class Transformed(nn.Module):
    """An operation that ONNX lacks: a share of the frequencies."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 1, stride=stride)

    def forward(self, x):
        return torch.special.i1(self.conv(x))


def test_an_operation_without_a_form_is_named(tmp_path):
    cfg = config()
    model = eager(cfg)
    block = model.backbone.stages[1][0]
    block[block.active].main = Transformed(36, 36, 2)
    with pytest.raises(
        InputError, match=r"the operation shuffle_5x5 \(backbone.stages.1.0\) has no"
    ):
        export(model, tmp_path / "no.onnx", "backbone", facts_of(cfg, META))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "form", "line"),
    [
        ({}, "panoptic", "--raw leaves the"),
        ({"test_cfg.rpn.nms.type": "soft_nms"}, "raw", "ONNX has dict"),
        ({"roi_head.bbox_roi_extractor.roi_layer.pool_mode": "max"}, "raw", "pool_mode='max'"),
    ],
)
def test_what_cannot_be_exported_is_said(options, form, line, tmp_path):
    model = eager(config(**options))
    model.panoptic_fusion_head = HeuristicFusionHead(6, 4)
    with pytest.raises(InputError, match=line):
        export(model, tmp_path / "no.onnx", form, {})


def test_the_tool_exports_and_compares(call_tool, shapes_root, tmp_path):
    cfg = config()
    torch.save(dict(state_dict=eager(cfg).state_dict(), meta={}), tmp_path / "weights.pth")
    (tmp_path / "arch.json").write_text(json.dumps(ARCH))
    options = [f"data_root={shapes_root}/", f"model.arch={tmp_path / 'arch.json'}", *SMALL_OPTIONS]
    words = ["configs/auto_panoptic/shapes/retrain.py", tmp_path / "weights.pth"]
    out = tmp_path / "backbone.onnx"
    end = ["--pictures", 2, "--cfg-options", *options]
    code, said, err = call_tool(TOOL, *words, out, "--backbone", *end)
    assert code == 0, err
    assert "stage_1, stage_2, stage_3, stage_4" in said
    assert "2 pictures: largest differences from PyTorch stage_1" in said
    maps = Network(out).run([picture(64, 64)])
    assert [value.shape[-1] for value in maps.values()] == [32, 16, 8, 4]
    assert "a file has one form" in one_line(call_tool(TOOL, *words, out, "--raw", "--backbone"))
    words[0] = "configs/auto_panoptic/shapes/supernet.py"
    line = one_line(call_tool(TOOL, *words, out, "--cfg-options", options[0]))
    assert "builds a supernet" in line


def test_a_file_that_is_none_of_ours_is_said(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        Network(tmp_path / "absent.onnx")
    (tmp_path / "text.onnx").write_text("no")
    with pytest.raises(InputError, match="cannot be run"):
        Network(tmp_path / "text.onnx")
