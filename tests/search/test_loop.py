"""A real search over a real supernet: files, resume, failures, the cache, refusals."""

import json
import platform
from dataclasses import replace
from importlib.metadata import version

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.runner import Runner
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mmpanonas.checkpoints.weights import CheckpointKindError
from mmpanonas.errors import InputError
from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.records import SearchDirectoryError
from mmpanonas.search import CandidateEvaluator
from mmpanonas.space import (
    BACKBONE_CHOICES,
    Arch,
    BudgetError,
    CostMeasure,
    NetworkShape,
    backbone_cost,
)
from tests.conftest import shapes_arch, write_latency_table
from tests.search.conftest import CONFIG

MODEL = Config.fromfile(CONFIG, import_custom_modules=False).model


@pytest.fixture
def search(shapes_config, checkpoint, tmp_path):
    """A function that runs a search and returns the lines of its results."""

    def run(name: str = "search", resume: bool = False, strategy: dict | None = None, **options):
        chosen = {"work_dir": str(tmp_path / name), "val_cfg.resume": resume} | options
        config = shapes_config("../ablations/backbone_only", **chosen)
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
    with pytest.raises(InputError, match=r"val_cfg\.budgets\.0: expected a dictionary, got 'macs'"):
        search("other", **{"val_cfg.budgets": ["macs"]})
    assert not (tmp_path / "other/results.jsonl").exists()


def test_pareto_keeps_its_front_also_when_it_was_stopped(search, tmp_path):
    cost = dict(quantity="macs", scope="network", size=(64, 64))
    strategy = dict(type="Pareto", cost=cost, generations=2, population=3)
    results = search("whole", strategy=strategy)
    assert [r["generation"] for r in results] == [0, 0, 0, 1, 1, 1]
    report = json.loads((tmp_path / "whole/strategy.json").read_text())
    assert report["cost"] == "MACs of the network at 64x64"
    measure, shape = CostMeasure(**cost), NetworkShape.of_model(MODEL)
    points = []
    for r in results:
        macs = measure.of(Arch.from_dict(r["arch"]), shape)
        assert r["cost"]["network_macs_64x64"] == macs
        points.append(dict(score=r["metrics"]["coco_panoptic/PQ"], cost=macs))
    assert report["candidates"] == points
    for point in report["front"]:
        (r,) = (r for r in results if r["arch"] == point["arch"])
        assert dict(score=point["score"], cost=point["cost"]) == points[r["index"]]
    assert min(point["cost"] for point in points) == report["front"][0]["cost"]
    assert max(point["score"] for point in points) == report["front"][-1]["score"]
    search("stopped", strategy=strategy)
    path = tmp_path / "stopped/results.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
    assert search("stopped", resume=True, strategy=strategy) == results
    assert json.loads((tmp_path / "stopped/strategy.json").read_text()) == report


def test_a_latency_is_limited_reported_and_part_of_what_the_search_is(search, tmp_path):
    space, shape = MODELS.build(MODEL).search_space, NetworkShape.of_model(MODEL)
    table = write_latency_table(tmp_path / "abacus.json", space, shape, size=[128, 128])
    budget = dict(quantity="latency", limit=32.0, table=str(table))
    results = search(**{"val_cfg.budgets": [budget]})
    times = [r["cost"]["backbone_latency_ms_abacus"] for r in results]
    measure = CostMeasure("latency", table=str(table))
    assert times == [measure.of(Arch.from_dict(r["arch"]), shape) for r in results]
    assert max(times) <= 32
    write_latency_table(table, space, shape, fixed=dict(backbone=11), size=[128, 128])
    with pytest.raises(SearchDirectoryError, match="differs in tables"):
        search(resume=True, **{"val_cfg.budgets": [budget]})
    write_latency_table(table, space, replace(shape, neck_channels=1), size=[128, 128])
    cost = dict(quantity="latency", table=str(table))
    with pytest.raises(InputError, match="was measured for neck_channels=1, the network has"):
        search("other", strategy=dict(type="Pareto", cost=cost))
    assert not (tmp_path / "other/results.jsonl").exists()


def test_a_fixed_networks_checkpoint_is_refused(search, shapes_config, tmp_path):
    config = shapes_config("supernet")
    config.model.arch = shapes_arch().to_dict()
    path = tmp_path / "fixed.pth"
    torch.save(dict(state_dict=MODELS.build(config.model).state_dict(), meta={}), path)
    with pytest.raises(CheckpointKindError, match="holds a fixed network of 22 searched layers"):
        search(load_from=path)


def test_a_supernets_checkpoint_is_refused_by_retraining(shapes_config, checkpoint):
    config = shapes_config("retrain", load_from=str(checkpoint))
    config.model.arch = shapes_arch().to_dict()
    with pytest.raises(CheckpointKindError, match="holds a supernet of 10 searched layers"):
        Runner.from_cfg(config).test()


@pytest.fixture
def calls(monkeypatch):
    """The architectures that are evaluated; ``calls.errors`` holds what some calls raise."""
    evaluate, seen = CandidateEvaluator.__call__, Calls()

    def watched(self, arch):
        seen.append(arch)
        error = seen.errors.pop(len(seen) - 1, None)
        seen.evaluator = self
        metrics = evaluate(self, arch)
        if error is not None:
            raise error
        return metrics

    monkeypatch.setattr(CandidateEvaluator, "__call__", watched)
    return seen


class Calls(list):
    errors: dict[int, Exception]

    def __init__(self) -> None:
        self.errors = {}


def test_the_folder_says_what_ran(search, tmp_path):
    search()
    folder = tmp_path / "search"
    config = Config.fromfile(folder / "config.py", import_custom_modules=False)
    assert config.val_cfg.strategy.population == 3
    identity = json.loads((folder / "search.json").read_text())
    assert identity["space"]["backbone"] == dict(layers=10, choices=list(BACKBONE_CHOICES))
    assert identity["seed"] == 0
    assert len(identity["checkpoint"]) == len(identity["data"][0]) == 64
    (start,) = json.loads((folder / "run.json").read_text())["starts"]
    assert start["versions"]["torch"] == version("torch")  # its own may add "+cu130"
    assert start["host"] == platform.node()
    assert start["executor"] == dict(type="serial")
    report = json.loads((folder / "strategy.json").read_text())
    assert (report["generation"], report["population"]) == (1, [3, 4, 5])
    (events,) = folder.glob("*/vis_data/events.out.tfevents*")
    seen = EventAccumulator(str(events)).Reload()
    assert {"search/score", "search/best", "search/seconds", "search/failed"} <= {
        *seen.Tags()["scalars"]
    }
    assert [event.step for event in seen.Scalars("search/best")] == list(range(1, 7))


def test_failures_of_the_evaluation_leave_no_trace(search, calls, tmp_path):
    """A candidate after one that failed midway has the score that it has without that."""
    whole = search("whole")
    calls.clear()
    error = torch.OutOfMemoryError("CUDA out of memory")
    calls.errors |= {1: error, 2: error, 4: RuntimeError("once")}
    failed = search("failed")
    assert failed[1]["reason"] == "out of memory"
    assert [r["metrics"] for r in failed[:3]] == [whole[0]["metrics"], {}, whole[2]["metrics"]]
    assert failed[2]["state"] == "done"
    assert "2 out of memory" not in (tmp_path / "failed/ranking.csv").read_text()
    assert len((tmp_path / "failed/ranking.csv").read_text().splitlines()) == 6


def test_a_killed_reading_process_is_replaced(search, calls, monkeypatch):
    whole = search("whole")
    metric = PanopticQualityMetric.process
    killed = []

    def process(self, *args, **kwargs):
        if len(calls) == 9 and not killed:  # the third of the second search
            (worker,) = calls.evaluator.dataloader.loader._iterator._workers
            killed.append(worker.pid)
            worker.kill()
            worker.join()
        return metric(self, *args, **kwargs)

    monkeypatch.setattr(PanopticQualityMetric, "process", process)
    options = {"val_dataloader.num_workers": 1, "val_dataloader.persistent_workers": True}
    options |= {"val_dataloader.batch_size": 1, "val_dataloader.prefetch_factor": 1}
    options |= {"val_cfg.picture_memory": 0}
    assert [r["arch"] for r in search("killed", **options)] == [r["arch"] for r in whole]
    assert len(killed) == 1
    assert len(calls) == 13


def test_searches_of_one_supernet_share_their_evaluations(search, calls, tmp_path):
    cache = {"val_cfg.cache": str(tmp_path / "cache")}
    first = search("first", **cache)
    assert len(calls) == 6
    assert search("second", **cache) == first
    drawn = search("third", strategy=dict(type="Random", total=4), **cache)
    assert len(calls) == 7, "three of the four are the first generation of the others"
    assert [r["metrics"] for r in drawn[:3]] == [r["metrics"] for r in first[:3]]
    search("other", **cache, **{"val_cfg.recalibration.num_images": 3})
    assert len(calls) == 13, "other settings are another cache"


def test_lower_precision_scores_alike_and_is_another_search(search):
    exact, lower = search(), search("lower", **{"val_cfg.precision": "bfloat16"})
    for one, other in zip(exact[:3], lower[:3], strict=True):
        assert one["arch"] == other["arch"]
        scores = [result["metrics"]["coco_panoptic/PQ"] for result in (one, other)]
        assert scores[1] == pytest.approx(scores[0], abs=8)
    assert [r["metrics"] for r in lower] != [r["metrics"] for r in exact]
    with pytest.raises(SearchDirectoryError, match=r"differs in precision .bfloat16 there"):
        search("lower", resume=True)
    with pytest.raises(InputError, match=r"val_cfg.precision: expected one of .*got 'half'"):
        search("other", **{"val_cfg.precision": "half"})


def test_a_cache_needs_weights(shapes_config, tmp_path):
    config = shapes_config(
        "../ablations/backbone_only", **{"val_cfg.cache": str(tmp_path / "cache")}
    )
    with pytest.raises(InputError, match="random weights are not shared"):
        Runner.from_cfg(config).val()


@pytest.mark.parametrize("value", [-1, 0.5, "all"])
def test_memory_is_whole_mib(shapes_config, value):
    with pytest.raises(InputError, match=r"val_cfg\.picture_memory: expected a whole number"):
        shapes_config("../ablations/backbone_only", **{"val_cfg.picture_memory": value})


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        (dict(type="torchrun"), r"expected one of \['ray', 'serial'\], got 'torchrun'"),
        (dict(workers=2), r"expected one of \['ray', 'serial'\], got None"),
        (dict(type="serial", workers=2), "val_cfg.executor.workers: SerialExecutor has no workers"),
        (dict(type="ray", cpus=2), "val_cfg.executor.cpus: RayExecutor has no cpus"),
    ],
)
def test_executors_that_cannot_run_here_are_refused(shapes_config, executor, message):
    options = {"val_cfg.executor": executor}
    with pytest.raises(InputError, match=message):
        Runner.from_cfg(shapes_config("../ablations/backbone_only", **options)).val()
