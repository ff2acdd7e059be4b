"""The model zoo: pages equal the metafiles, and the metafiles what is counted and measured."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from mmdet.registry import MODELS
from mmengine.config import Config

from mmpanonas.config import load_config
from mmpanonas.space import Arch
from tests.conftest import ROOT
from tests.tools.conftest import one_line

TOOL = "tools/analysis_tools/model_zoo.py"
PAGES = ("README.md", "docs/model_zoo.md")
METAFILES = yaml.safe_load((ROOT / "model-index.yml").read_text())["Import"]
ZOO = {path: yaml.safe_load((ROOT / path).read_text()) for path in METAFILES}
NETWORKS = {model["Name"]: model for zoo in ZOO.values() for model in zoo["Models"]}
COUNTED = [name for name, model in NETWORKS.items() if "MACs" in model["Metadata"]]


@pytest.fixture
def copy(tmp_path) -> Path:
    """The files that the tool reads and writes."""
    for name in (*PAGES, "model-index.yml", *METAFILES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_tables_in_the_pages_are_those_of_the_metafiles(call_tool, copy):
    for page in PAGES:  # what is between the comments is forgotten
        text = (copy / page).read_text()
        table = re.search(
            r"(?<=tools/analysis_tools/model_zoo.py -->\n).*?(?=<!-- end)", text, re.S
        )
        (copy / page).write_text(text.replace(table[0], "| old |\n"))
    assert call_tool(TOOL, "--root", copy)[0] == 0
    for page in PAGES:
        assert (copy / page).read_text() == (ROOT / page).read_text(), f"run python {TOOL}"


def test_rows_say_what_the_metafiles_say(call_tool, copy):
    """Unmeasured and uncounted is a dash; the README has no row without a measurement."""
    model = dict(Name="new", Config="configs/x.py", Metadata=dict(Parameters=12_345_678))
    first, second = (dict(Dataset="D", Source="S", Metrics=m) for m in ({}, dict(PQ=1.5, PQ_st=2)))
    zoo = dict(Models=[dict(model, Results=[first, second])])
    (copy / METAFILES[1]).write_text(yaml.safe_dump(zoo))
    call_tool(TOOL, "--root", copy)
    text = (copy / "docs/model_zoo.md").read_text()
    assert [line for line in text.splitlines() if "[new]" in line] == [
        "| [new](../configs/x.py) | - | - | D | - | 12.3 M | - | - | - | S |",
        "| [new](../configs/x.py) | - | - | D | - | 12.3 M | 1.5 | - | 2 | S |",
    ]
    text = (copy / "README.md").read_text()
    assert [line for line in text.splitlines() if "[new]" in line] == [
        "| [new](configs/x.py) | D | - | 12.3 M | 1.5 | - | 2 | S |"
    ]


def test_a_page_without_the_comments_is_one_clear_error(call_tool, copy):
    (copy / "docs/model_zoo.md").write_text("# Model zoo\n")
    assert "docs/model_zoo.md has no table" in one_line(call_tool(TOOL, "--root", copy))


@pytest.mark.parametrize("name", COUNTED)
def test_macs_and_parameters_are_those_of_our_cost(call_tool, name):
    model, facts = NETWORKS[name], NETWORKS[name]["Metadata"]
    arch, size = facts["Architecture File"], facts["Input"]
    tool = "tools/analysis_tools/get_flops.py"
    argv = ["--arch", arch, "--shape", *size, "--json"]
    report = json.loads(call_tool(tool, model["Config"], *argv)[1])
    assert facts == {
        "Architecture File": arch,
        "Input": size,
        "Backbone MACs": report["backbone"]["macs"],
        "MACs": report["network"]["macs"],
        "Parameters": report["network"]["params"],
    }
    config = load_config(model["Config"])
    chosen = config.model.arch
    assert chosen == "work_dirs/demo/search/arch.json" or Arch.load(chosen) == Arch.load(arch)
    (resize,) = (s for s in config.test_dataloader.dataset.pipeline if s.type == "Resize")
    assert sorted(resize.scale) == size


@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - set(COUNTED)))
def test_parameters_of_networks_without_cost_functions_are_those_built(name):
    with torch.device("meta"):
        model = MODELS.build(Config.fromfile(NETWORKS[name]["Config"]).model)
    built = sum(parameter.numel() for parameter in model.parameters())
    assert NETWORKS[name]["Metadata"] == {"Parameters": built}


def test_every_network_that_can_be_tested_has_a_row():
    """Fixed panoptic networks of known classes; ablations are docs/ablations.md's.

    An elastic one is known when its search has ended: its architecture has its widths.
    """
    configs = {*ROOT.glob("configs/auto_panoptic/*/*retrain.py"), *ROOT.glob("configs/*_fpn/*.py")}
    configs = {path.relative_to(ROOT).as_posix() for path in configs}
    others = ("ablations", "custom", "imagenet", "elastic")
    left_out = {path for path in configs if any(other in path for other in others)}
    assert {model["Config"] for model in NETWORKS.values()} == configs - left_out


def test_our_figure_is_the_one_measured():
    (row,) = re.findall(
        r"\| `paper` \| `shapes/retrain.py` \| (.*) \| (.*) \| (.*) \|",
        (ROOT / "docs/ablations.md").read_text(),
    )
    (result,) = NETWORKS["auto-panoptic_shapes"]["Results"]
    assert [f"{value:.1f}" for value in result["Metrics"].values()] == [
        f"{float(value):.1f}" for value in row
    ]


@pytest.mark.parametrize("path", METAFILES)
def test_metafiles_hold_together(path):
    (collection,) = ZOO[path]["Collections"]
    assert (ROOT / collection["README"]).is_file()
    for model in ZOO[path]["Models"]:
        assert model["In Collection"] == collection["Name"]
        for result in model["Results"]:
            assert set(result["Metrics"]) <= {"PQ", "PQ_th", "PQ_st"}
