"""get_flops.py: the published figures, both forms of output, errors, nothing built."""

import json
import subprocess
import sys
from functools import partial

import pytest

from mmpanonas.space import Arch, NetworkShape, network_cost
from tests.conftest import ROOT, shapes_arch
from tests.tools.conftest import one_line

TOOL = "tools/analysis_tools/get_flops.py"
AUTO = "configs/auto_panoptic"


@pytest.fixture
def run(call_tool):
    """Run the tool; returns (exit code, stdout, stderr)."""
    return partial(call_tool, TOOL)


@pytest.mark.parametrize(
    ("config", "arch", "gmacs", "params"),
    [
        ("coco/supernet.py", "coco", "1.153 G", 6_825_840),
        ("coco/retrain.py", None, "3.572 G", 21_627_126),
        ("ade20k/supernet.py", "ade20k", "1.244 G", 7_845_360),
        ("ade20k/retrain.py", None, "3.843 G", 24_951_932),
    ],
)
def test_published_figures(run, config, arch, gmacs, params):
    argv = [f"{AUTO}/{config}"] + (["--arch", f"{AUTO}/archs/{arch}.json"] if arch else [])
    code, out, _ = run(*argv)
    assert code == 0
    (backbone,) = (row.split() for row in out.splitlines() if "224 x 224" in row)
    assert backbone == ["backbone", "224", "x", "224", *gmacs.split(), f"{params / 1e6:.3f}", "M"]
    code, out, _ = run(*argv, "--json")
    found = json.loads(out)["backbone"]
    assert (code, found["size"], found["params"]) == (0, [224, 224], params)
    assert f"{found['macs'] / 1e9:.3f} G" == gmacs


def test_json_holds_every_module_at_the_given_shape(run):
    code, out, _ = run(f"{AUTO}/coco/retrain.py", "--shape", 480, 640, "--json")
    report = json.loads(out)
    arch = Arch.load(ROOT / AUTO / "archs" / "coco.json")
    shape = NetworkShape(channels=(72, 172, 432, 864, 1728))
    cost = network_cost(arch, shape, (480, 640))
    assert code == 0
    assert Arch.from_dict(report["choices"]) == arch
    assert report["network"] == {
        "size": [480, 640],
        "macs": sum(cost.values()).macs,
        "params": sum(cost.values()).params,
        "modules": {n: {"macs": c.macs, "params": c.params} for n, c in cost.items()},
    }


def test_the_table_has_every_module_and_their_sum(run):
    _, out, _ = run(f"{AUTO}/coco/retrain.py")
    rows = [line.split() for line in out.splitlines() if "800 x 1333" in line]
    names = ["backbone", "neck", "rpn_head", "bbox_head", "mask_head", "semantic_head"]
    names += ["things_to_stuff", "stuff_to_things", "network"]
    assert [row[0] for row in rows] == names
    for column in (4, 6):
        *parts, total = (float(row[column].replace(",", "")) for row in rows)
        assert sum(parts) == pytest.approx(total, abs=0.0005 * 9)  # rounded to three places


def test_a_supernet_without_an_architecture_shows_the_range_of_its_space(run):
    code, out, _ = run(f"{AUTO}/coco/supernet.py")
    assert code == 0
    assert "smallest and largest backbone of the search space" in out
    assert [row.split()[:6] for row in out.splitlines() if "224 x 224" in row] == [
        ["smallest", "backbone", "224", "x", "224", "0.967"],
        ["largest", "backbone", "224", "x", "224", "1.486"],
    ]
    _, out, _ = run(f"{AUTO}/coco/supernet.py", "--json", "--shape", 64, 96)
    report = json.loads(out)
    assert report["arch"] is None
    assert "network" not in report
    first, second = report["backbone_range"]
    assert (first["size"], second["size"]) == ([224, 224], [64, 96])
    assert [f"{macs / 1e9:.3f}" for macs in first["macs"]] == ["0.967", "1.486"]


def test_options_change_the_config(run):
    argv = [f"{AUTO}/coco/supernet.py", "--arch", f"{AUTO}/archs/coco.json", "--json"]
    wide = "model.backbone.channels=(72,172,432,864,1728)"
    _, out, _ = run(*argv, "--cfg-options", wide, "model.roi_head.bbox_head.num_classes=9")
    report = json.loads(out)
    assert report["backbone"]["params"] == 21_627_126
    assert report["network"]["modules"]["bbox_head"]["params"] == sum(
        (inputs + 1) * outputs for inputs, outputs in [(49 * 256, 1024), (1024, 1024), (1024, 46)]
    )


def test_classes_come_from_the_annotation_file_where_the_config_leaves_them_open(run, tmp_path):
    categories = [{"id": i, "name": f"c{i}", "isthing": int(i < 4)} for i in range(1, 6)]
    image = {"id": 1, "file_name": "1.jpg", "height": 8, "width": 8}
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "panoptic_nas_train.json").write_text(
        json.dumps({"images": [image], "annotations": [], "categories": categories})
    )
    arch = tmp_path / "arch.json"
    shapes_arch("xception", head="at_3x3").dump(arch)
    data = ["--cfg-options", f"data_root={tmp_path}"]
    code, out, _ = run(f"{AUTO}/custom/supernet.py", "--arch", arch, "--json", *data)
    modules = json.loads(out)["network"]["modules"]
    assert code == 0
    assert modules["bbox_head"]["params"] == sum(
        (inputs + 1) * outputs for inputs, outputs in [(49 * 32, 256), (256, 256), (256, 5 * 3 + 1)]
    )
    # a layer of 32 channels, bias and GroupNorm; two stuff classes and "some thing"
    assert modules["semantic_head"]["params"] == (9 * 32 * 32 + 3 * 32) + (4 * 32 + 1) * 3


def test_input_errors_are_one_line_and_exit_code_2(run, tmp_path):
    coco = f"{AUTO}/coco/supernet.py"
    message = one_line(run("configs/none.py", "--json"))
    assert "config: expected a file, got 'configs/none.py', which does not exist" in message
    message = one_line(run(coco, "--arch", tmp_path / "none.json"))
    assert f"--arch: expected a file, got '{tmp_path}/none.json', which does not" in message
    message = one_line(run(f"{AUTO}/shapes/supernet.py", "--arch", f"{AUTO}/archs/coco.json"))
    assert "coco.json does not fit the network of configs/auto_panoptic/shapes" in message
    assert "expected 10 choices, got 40" in message
    Arch(("xception",) * 10, mask_head=("dw_3x3",) * 4).dump(tmp_path / "more.json")
    message = one_line(run(f"{AUTO}/ablations/backbone_only.py", "--arch", tmp_path / "more.json"))
    assert "has mask_head, which this model does not search" in message
    Arch(("xception",) * 40).dump(tmp_path / "backbone.json")
    message = one_line(run(f"{AUTO}/coco/retrain.py", "--arch", tmp_path / "backbone.json"))
    assert "lacks mask_head, which this model has" in message
    message = one_line(run(f"{AUTO}/custom/supernet.py", "--cfg-options", f"data_root={tmp_path}"))
    assert f"{tmp_path}/annotations/panoptic_nas_train.json' does not exist" in message
    assert "--cfg-options data_root=PATH" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model = dict(type='PanopticFPN')", "model.type is 'PanopticFPN'; only AutoPanoptic"),
        ("lr = 0.02", "describes no network: it lacks the key model.type"),
        (
            f"_base_ = '{ROOT}/{AUTO}/coco/supernet.py'\n"
            "model = dict(backbone=dict(widen_factro=1.8))",
            "model.backbone.widen_factro",
        ),
        (
            f"_base_ = '{ROOT}/{AUTO}/coco/supernet.py'\n"
            "model = dict(backbone=dict(_delete_=True, type='ResNet', depth=50))",
            "model.backbone.type is 'ResNet'; only SearchableShuffleNetV2",
        ),
    ],
)
def test_other_networks_are_refused_not_miscounted(run, tmp_path, text, message):
    config = tmp_path / "other.py"
    config.write_text(text)
    assert message in one_line(run(config))


@pytest.mark.parametrize("shape", [(0, 100), (100, -1)])
def test_an_empty_shape_is_refused(run, shape):
    code, out, err = run(f"{AUTO}/coco/supernet.py", "--shape", *shape)
    assert (code, out) == (2, "")
    assert "--shape: expected a whole number" in err


def test_nothing_is_built_and_stdout_holds_json_alone():
    """In a process of its own, where packages may print as they are imported."""
    code = (
        "import torch;"
        "torch.nn.Module.__init__ = lambda *a, **k: 1 / 0;"
        f"import runpy, sys; sys.argv = ['{TOOL}', '{AUTO}/coco/retrain.py', '--json'];"
        f"runpy.run_path('{TOOL}', run_name='__main__')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout)["network"]["size"] == [800, 1333]
