"""The converter by its command line: files in, files out, what it says, what it refuses."""

import runpy
import sys
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.runner import load_checkpoint

from mmpanonas.checkpoints.weights import held_choices
from mmpanonas.convert.naming import Naming
from mmpanonas.models import AutoPanoptic, SearchableShuffleNetV2
from mmpanonas.space import Arch
from tests.conftest import ROOT, SEED
from tests.reference import tagged_state
from tests.tools.test_main_job import tool

TOOL = ROOT / "tools/model_converters/autopanoptic_to_mmdet.py"
AUTO = "configs/auto_panoptic"
TINY = dict(channels=(4, 8, 12, 16, 20), blocks=(2, 1, 2, 1))


@pytest.fixture
def run(monkeypatch, capsys):
    """A function from arguments to exit code, stdout and stderr."""

    def run(*args) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [str(TOOL), *map(str, args)])
        code = 0
        try:
            runpy.run_path(str(TOOL), run_name="__main__")
        except SystemExit as stopped:
            code = stopped.code
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def released(tmp_path):
    """A function that writes a key file's weights as a trainer does; returns the path."""

    def write(keys: str, **changes) -> str:
        state = {f"module.{key}": value for key, value in tagged_state(keys).items()}
        path = tmp_path / "released.pth"
        torch.save({"model": state | changes, "iteration": 90000}, path)
        return path

    return write


@pytest.fixture
def backbone(tmp_path):
    """A DetNAS backbone with its classifier in a file, and its weights by our names."""
    arch = Arch(("xception", "shuffle_7x7", "shuffle_3x3", "xception", "shuffle_5x5", "xception"))
    torch.manual_seed(SEED)
    state = SearchableShuffleNetV2(arch, **TINY).state_dict()
    ours = {f"backbone.{key}": torch.rand(v.shape).to(v.dtype) for key, v in state.items()}
    naming = Naming("", False, TINY["blocks"])
    theirs = {f"module.{naming.released(key)}": value for key, value in ours.items()}
    theirs["module.fc.fc.weight"] = torch.zeros(10, 20)
    torch.save({"state_dict": theirs}, tmp_path / "detnas.pkl")
    return tmp_path / "detnas.pkl", ours, arch


@pytest.mark.parametrize(
    ("kind", "keys", "config", "count"),
    [
        ("detector", "keys_coco_3.8g.txt", f"{AUTO}/coco/released_retrain.py", 1041),
        ("supernet", "keys_supernet.txt", f"{AUTO}/coco/released_supernet.py", 4177),
    ],
)
def test_a_whole_network_fills_its_config(run, released, tmp_path, kind, keys, config, count):
    dst = tmp_path / "ours.pth"
    code, out, _ = run(released(keys), dst, "--kind", kind)
    assert code == 0
    checkpoint = torch.load(dst, weights_only=True)
    dst.unlink()  # hundreds of megabytes
    assert checkpoint["meta"] == dict(kind=kind, source="released.pth")
    with torch.device("meta"):
        model = MODELS.build(Config.fromfile(config).model)
    model.load_state_dict(checkpoint["state_dict"], strict=True, assign=True)
    assert held_choices(model.state_dict()) == held_choices(checkpoint["state_dict"])
    assert f"used     {count} weights" in out
    assert f"python tools/test.py {config} {dst}" in out
    for name in tagged_state(keys):
        if "fpn_inner1" in name or "cell_anchors" in name:
            assert name in out
    arch = tmp_path / "ours.arch.json"
    assert arch.exists() == (kind == "detector")
    if arch.exists():
        assert arch.read_text() == (ROOT / AUTO / "archs/coco.json").read_text()


def test_another_architecture_needs_to_be_given(run, released, tmp_path):
    """A 3x3 kernel where the published mask head has 5x5."""
    name = "module.roi_heads.mask.feature_extractor.AutoPanoptic_mask_fcn_2.0.depthwise.weight"
    path = released("keys_coco_3.8g.txt", **{name: torch.zeros(256, 1, 3, 3)})
    dst = tmp_path / "ours.pth"
    code, out, _ = run(path, dst, "--kind", "detector")
    dst.unlink()
    assert code == 0
    arch = dst.with_suffix(".arch.json")
    assert Arch.load(arch).mask_head == ("at_3x3", "dw_3x3", "df_3x3", "df_5x5")
    assert out.splitlines()[-1].endswith(f"--cfg-options model.arch={arch}")


def test_a_backbone_loads_as_the_output_says(run, backbone, tmp_path):
    src, ours, arch = backbone
    dst = tmp_path / "backbone.pth"
    code, out, _ = run(src, dst, "--kind", "backbone")
    assert code == 0
    assert "dropped  ImageNet classifier: fc.fc.weight" in out
    assert "channels=(4, 8, 12, 16, 20), blocks=(2, 1, 2, 1)" in out
    assert "even_odd" in out
    assert Arch.load(tmp_path / "backbone.arch.json") == arch
    (line,) = (line for line in out.splitlines() if "init_cfg=" in line)
    init_cfg = eval(line.strip().removeprefix("init_cfg="))  # as a user pastes it
    network = SearchableShuffleNetV2(
        tmp_path / "backbone.arch.json", **TINY, shuffle="even_odd", init_cfg=init_cfg
    )
    network.init_weights()
    for key, value in network.state_dict().items():
        assert torch.equal(value, ours[f"backbone.{key}"]), key


def test_a_backbone_in_a_process_of_its_own(backbone, tmp_path):
    """Nothing but the tool itself registers our networks there."""
    src, ours, _ = backbone
    dst = tmp_path / "backbone.pth"
    script = "model_converters/autopanoptic_to_mmdet.py"
    assert f"wrote    {dst}" in tool(script, src, dst, "--kind", "backbone")
    state = torch.load(dst, weights_only=True)["state_dict"]
    assert list(state) == list(ours)
    assert all(torch.equal(state[key], ours[key]) for key in ours)


def test_a_backbone_fits_the_config_that_is_given(run, backbone, tmp_path):
    src, _, _ = backbone
    dst = tmp_path / "backbone.pth"
    config = tmp_path / "config.py"
    for blocks, code in (((2, 1, 2, 1), 0), ((2, 1, 1, 1), 2)):
        config.write_text(
            f"_base_ = '{ROOT}/{AUTO}/shapes/supernet.py'\n"
            f"model = dict(backbone=dict(channels={TINY['channels']}, blocks={blocks}))"
        )
        found, _, err = run(src, dst, "--kind", "backbone", "--config", config)
        assert found == code
    assert one_line(err) == f"error: {src}: backbone: expected 5 choices, got 6"
    assert load_checkpoint(SearchableShuffleNetV2(**TINY), str(dst), strict=False)


def one_line(err: str) -> str:
    """The one message of a user's error."""
    (message,) = (line for line in err.splitlines() if line.strip() and "Warn" not in line)
    assert message.startswith("error: ")
    return message


def test_wrong_kinds_and_other_networks_are_one_clear_error(run, released, backbone, tmp_path):
    dst = tmp_path / "ours.pth"
    detector = released("keys_coco_3.8g.txt")

    def refused(src, kind: str, *more) -> str:
        code, out, err = run(src, dst, "--kind", kind, *more)
        assert code == 2
        assert "wrote" not in out
        assert not dst.exists()
        return one_line(err)

    message = refused(detector, "supernet")
    assert message == (
        f"error: {detector}: holds a searched detector, not a supernet; pass --kind detector"
    )
    assert "pass --kind backbone" in refused(backbone[0], "detector")
    supernet = f"{AUTO}/coco/released_supernet.py"  # narrower
    message = refused(detector, "detector", "--config", supernet)
    assert "its weights do not fit the network: " in message
    assert "first_conv.conv.weight (72, 3, 3, 3) for (48, 3, 3, 3)" in message
    retrain = f"{AUTO}/coco/retrain.py"  # of the paper's conventions
    assert "which the released networks lack" in refused(detector, "detector", "--config", retrain)
    assert "is no Auto-Panoptic network" in refused(
        detector, "detector", "--config", "configs/panoptic_fpn/coco_r50.py"
    )
    assert "'configs/none.py', which does not exist" in refused(
        detector, "detector", "--config", "configs/none.py"
    )
    torch.save({"layer1.0.weight": torch.zeros(1)}, tmp_path / "resnet.pth")
    assert "holds no network of Auto-Panoptic or DetNAS" in refused(
        tmp_path / "resnet.pth", "detector"
    )
    assert "none.pth', which does not exist" in refused(tmp_path / "none.pth", "detector")
    (tmp_path / "cut.pth").write_bytes(detector.read_bytes()[:-1000])
    assert "cut short" in refused(tmp_path / "cut.pth", "detector")


def test_a_network_of_a_class_of_ones_own_is_filled(tmp_path, monkeypatch):
    own = type("Own", (AutoPanoptic,), {})
    monkeypatch.setitem(MODELS.module_dict, "Own", own)
    config = tmp_path / "own.py"
    config.write_text(
        f'_base_ = "{ROOT / AUTO}/coco/released_supernet.py"\nmodel = dict(type="Own")'
    )
    target_config = runpy.run_path(str(TOOL))["target_config"]
    found = target_config(SimpleNamespace(whole=True, arch=None), str(config))
    assert found["type"] == "Own"


def test_a_place_that_cannot_be_written_is_one_clear_error(run, backbone, tmp_path):
    src, _, _ = backbone
    for dst in (tmp_path / "no" / "such" / "x.pth", tmp_path):
        code, _, err = run(src, dst, "--kind", "backbone")
        assert code == 2
        assert f"argument dst: expected a name for a file, got '{dst}', which" in one_line(err)
    code, _, err = run(src, src, "--kind", "backbone")
    assert code == 2
    assert "would overwrite" in one_line(err)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["detnas.pkl"]
