"""A real search over a real (untrained) supernet: files, resume, ranks, refusals."""

import json
import os
import subprocess
import sys

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmpanonas.config import load_config
from mmpanonas.engine import CandidateEvaluator
from mmpanonas.engine.hooks import CheckpointKindError
from mmpanonas.execution import SearchDirectoryError
from mmpanonas.space import Arch, BudgetError, NetworkShape, backbone_cost
from tests.conftest import ROOT, SHAPES, SMALL, shapes_arch

MODEL = Config.fromfile(SHAPES / "supernet.py", import_custom_modules=False).model


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, shapes_root):
    """A supernet of the shapes config that has begun to tell stuff apart."""
    work_dir = tmp_path_factory.mktemp("supernet")
    options = {"data_root": str(shapes_root), "work_dir": str(work_dir)}
    options |= {"train_cfg.max_iters": 84, "default_hooks.checkpoint.interval": 84}
    options |= {"param_scheduler": [], "train_dataloader.batch_size": 2}
    config = load_config(str(SHAPES / "supernet.py"), SMALL | options)
    init_default_scope("mmdet")
    Runner.from_cfg(config).train()
    return work_dir / "iter_84.pth"


@pytest.fixture
def search(shapes_config, checkpoint, tmp_path):
    """A function that runs a search and returns the lines of its results."""

    def run(name: str = "search", resume: bool = False, strategy: dict | None = None, **options):
        chosen = {"work_dir": str(tmp_path / name), "val_cfg.resume": resume} | options
        config = shapes_config("search_evolution", **chosen)
        config.val_cfg.strategy = strategy or config.val_cfg.strategy
        config.load_from = str(options.get("load_from", checkpoint))
        Runner.from_cfg(config).val()
        return read(tmp_path / name)

    return run


def read(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_search_writes_results_ranking_and_answer(search, tmp_path):
    results = search()
    assert [r["index"] for r in results] == list(range(6))
    assert [r["generation"] for r in results] == [0, 0, 0, 1, 1, 1]
    assert len({json.dumps(r["arch"]) for r in results}) == 6
    shape = NetworkShape.of_model(MODEL)
    for r in results:
        cost = backbone_cost(Arch.from_dict(r["arch"]), shape)
        assert r["cost"]["backbone_macs"] == cost.macs
    assert len({r["metrics"]["coco_panoptic/PQ"] for r in results}) > 1
    best = max(results, key=lambda r: (r["metrics"]["coco_panoptic/PQ"], -r["index"]))
    assert Arch.load(tmp_path / "search/arch.json") == Arch.from_dict(best["arch"])
    ranking = (tmp_path / "search/ranking.csv").read_text().splitlines()
    assert len(ranking) == 7
    assert ranking[1].startswith(f"1,{best['index']},")


@pytest.mark.parametrize("torn", ["", '{"index": 3, "arch": {"backb'])
def test_a_stopped_search_goes_on_to_the_same_answer(search, tmp_path, torn):
    whole = search("whole")
    search("stopped")
    path = tmp_path / "stopped/results.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]) + torn)
    (tmp_path / "stopped/arch.json").unlink()
    kept = path.read_text().splitlines()[:3]
    assert search("stopped", resume=True) == whole
    assert path.read_text().splitlines()[:3] == kept, "finished candidates were evaluated again"
    answers = [(tmp_path / n / "arch.json").read_text() for n in ("whole", "stopped")]
    assert answers[0] == answers[1]


def test_results_are_never_mixed_with_those_of_another_search(search):
    search()
    with pytest.raises(SearchDirectoryError, match="--resume"):
        search()
    with pytest.raises(SearchDirectoryError, match=r"differs in seed .0 there, 5 here"):
        search(resume=True, **{"val_cfg.seed": 5})


def test_path_priority_keeps_its_scoreboard_while_it_runs(search, tmp_path, monkeypatch):
    window = MODELS.build(MODEL).search_space.window
    strategy = dict(type="PathPriority", cycles=2, paths=window, runners_up=1)
    file = tmp_path / "search/strategy.json"
    evaluate, seen = CandidateEvaluator.__call__, []

    def watched(self, arch):
        seen.append(json.loads(file.read_text()) if file.exists() else None)
        return evaluate(self, arch)

    monkeypatch.setattr(CandidateEvaluator, "__call__", watched)
    results = search(strategy=strategy)
    assert [r["generation"] for r in results] == [0] * window + [1] * window + [2, 2]
    assert seen[0] is None
    finished = [report["finished_paths"] for report in seen[1:]]
    assert finished == [*range(1, 2 * window + 1), 2 * window]
    report = json.loads(file.read_text())
    assert "the scoreboard's winner" in report["note"]
    for part, layers in report["scoreboard"].items():
        assert all(sum(layer.values()) == 2 * sum(range(window)) for layer in layers)
        assert [max(layer, key=layer.get) for layer in layers] == results[-2]["arch"][part]
        for layer in seen[window]["scoreboard"][part]:
            assert sum(layer.values()) == sum(range(window))


def test_budget_is_kept_and_an_impossible_one_refused_at_once(search, tmp_path):
    shape = NetworkShape.of_model(MODEL)
    limit = 26_000_000
    budget = dict(quantity="macs", limit=limit)
    results = search(**{"val_cfg.budgets": [budget]})
    macs = [backbone_cost(Arch.from_dict(r["arch"]), shape).macs for r in results]
    assert max(macs) <= limit
    with pytest.raises(BudgetError, match="the cheapest has"):
        search("other", **{"val_cfg.budgets": [budget | dict(limit=1000)]})
    assert not (tmp_path / "other/results.jsonl").exists()


def test_a_fixed_networks_checkpoint_is_refused(search, shapes_config, tmp_path):
    config = shapes_config("supernet")
    config.model.arch = shapes_arch().to_dict()
    path = tmp_path / "fixed.pth"
    torch.save(dict(state_dict=MODELS.build(config.model).state_dict(), meta={}), path)
    with pytest.raises(CheckpointKindError, match="holds a fixed network of 24 searched layers"):
        search(load_from=path)


def test_a_supernets_checkpoint_is_refused_by_retraining(shapes_config, checkpoint):
    config = shapes_config("retrain", load_from=str(checkpoint))
    config.model.arch = shapes_arch().to_dict()
    with pytest.raises(CheckpointKindError, match="holds a supernet of 24 searched layers"):
        Runner.from_cfg(config).test()


def test_two_ranks_find_what_one_finds(search, shapes_root, checkpoint, tmp_path):
    alone = search("alone")
    keys = (
        "val_cfg.recalibration.num_images=4 val_cfg.recalibration.batch_size=2 "
        "val_cfg.strategy.generations=2 val_cfg.strategy.population=3 val_cfg.strategy.parents=1 "
        "val_cfg.strategy.mutants=1 val_cfg.strategy.crosses=1 val_dataloader.num_workers=0 "
        f"val_dataloader.persistent_workers=False data_root={shapes_root}"
    )
    command = ["bash", "tools/dist_search.sh", str(SHAPES / "search_evolution.py")]
    command += [str(checkpoint), "2", "--work-dir", str(tmp_path / "both"), "--cfg-options"]
    path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    env = os.environ | dict(PORT="29573", OMP_NUM_THREADS="1", PATH=path)
    subprocess.run([*command, *keys.split()], check=True, cwd=ROOT, env=env, timeout=300)
    assert read(tmp_path / "both") == alone
