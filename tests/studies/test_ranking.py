"""A whole study in miniature: two supernets, three networks, searches, answers, page; resumed."""

import json
from pathlib import Path

import pytest

import studies.ranking.processes
from studies.ranking.jobs import JOBS
from tests.conftest import ROOT, SMALL
from tests.tools.conftest import one_line

pytestmark = pytest.mark.timeout(300)  # a study from supernet to page

TOOL = "studies/ranking/__main__.py"
CONFIG = f"""
_base_ = "{ROOT}/studies/ranking/configs/shapes.py"

image_scale = (64, 64)
study = dict(
    networks=3,
    strata=1,
    repeated=1,
    searches=2,
    evaluations=2,
    choice_seeds=1,
    strategies=["Random"],
    recalibrations=dict(
        _delete_=True, none=dict(num_images=0), moving=dict(num_images=4, momentum=0.1)
    ),
)
"""


@pytest.fixture
def study(call_tool, monkeypatch, shapes_root, tmp_path):
    """A function that runs the tool, each job in this process; returns its result."""

    def run_here(commands, places, logs, ended):
        for name, command in commands.items():
            words = command[command.index("studies.ranking") + 1 :]
            ended(name, call_tool(TOOL, *words)[0] == 0)
        return []

    monkeypatch.setattr(studies.ranking.processes, "run_processes", run_here)

    config = tmp_path / "mini.py"
    base = f"{ROOT}/studies/ranking/configs/shapes_alone.py"
    alone = tmp_path / "alone.py"
    alone.write_text(f'_base_ = "{base}"\nimage_scale = (64, 64)\n')
    config.write_text(f'{CONFIG}study.update(alone="{alone}")\n')

    def run(*words, **options):
        chosen = SMALL | {"data_root": f"{shapes_root}/"} | options
        words = [config, "--work-dir", tmp_path / "study", "--resamples", 100, *words]
        return call_tool(TOOL, *words, "--cfg-options", *(f"{k}={v}" for k, v in chosen.items()))

    return run


def test_a_miniature_from_supernet_to_page(study, tmp_path, monkeypatch):
    code, _, err = study("--out", tmp_path / "out/mini.json")
    assert code == 0, err[-2000:]
    results = json.loads((tmp_path / "out/mini.json").read_text())
    drawn = [n for n in results["networks"] if n["group"] == "drawn"]
    assert [len(n["alone"]) for n in drawn].count(2) == 1
    keys = {f"{s}/{r}" for s in ("fair", "uniform") for r in ("none", "moving")}
    for network in drawn:
        assert network["scores"].keys() == keys
        assert network["alone"][0]["fusions"].keys() == {"paper", "released"}
    assert [s["strategy"] for s in results["searches"]] == ["Random"] * 2
    for search in results["searches"]:
        network = results["networks"][search["network"]]
        assert network["alone"], "what a search returned was not trained"
        assert "fair/none" in network["scores"]
    (choice,) = results["choices"]
    assert results["networks"][choice["baseline"]]["group"] == "baseline"
    assert "kendall_tau" in results["answers"]["ranking"] or results["answers"]["ranking"]["reason"]
    assert "<h1>mini</h1>" in (tmp_path / "out/mini.html").read_text()
    assert not list(Path(tmp_path / "study/networks").rglob("*.pth"))
    assert len(list((tmp_path / "study").glob("supernet-*/iter_12.pth"))) == 2

    # Started again, only what lacks a record is done.
    records = tmp_path / "study/records.jsonl"
    lines = records.read_text().splitlines(keepends=True)
    lost = next(i for i, line in enumerate(lines) if '"network-' in line)
    records.write_text("".join(lines[:lost] + lines[lost + 1 :]) + '{"job": "torn')
    done = []
    for kind, job in JOBS.items():
        monkeypatch.setitem(JOBS, kind, lambda s, j, job=job: done.append(j["job"]) or job(s, j))
    assert study("--out", tmp_path / "out/again.json")[0] == 0
    assert done == [json.loads(lines[lost])["job"]]
    again = json.loads((tmp_path / "out/again.json").read_text())
    assert again["searches"] == results["searches"]


def test_refused_at_once(study, call_tool, shapes_root, tmp_path):
    assert "--workers: expected a whole number" in one_line(study("--workers", 0))
    message = one_line(study(**{"study.alone": "configs/none.py"}))
    assert "config file configs/none.py does not exist" in message
    config = "configs/auto_panoptic/shapes/search_random.py"
    words = (config, "--work-dir", tmp_path, "--cfg-options", f"data_root={shapes_root}/")
    assert "holds no study=dict(...)" in one_line(call_tool(TOOL, *words))
