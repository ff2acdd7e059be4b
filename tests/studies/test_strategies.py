"""Strategies compared at equal evaluations: same numbers, resumed or not; what is refused."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS

from mmpanonas.search import CandidateEvaluator
from mmpanonas.space import Arch
from studies.strategies.comparison import Outcome, comparison_table
from studies.strategies.sizes import _SIZES
from tests.conftest import ROOT, SMALL

pytestmark = pytest.mark.timeout(300)  # several searches each

CONFIG = "configs/auto_panoptic/shapes/search_evolution.py"
NAMES = ("Evolution", "PathPriority", "Random")


class StoppedError(BaseException):
    """Stands for a kill."""


@pytest.fixture
def compare(monkeypatch, shapes_root, shapes_config, tmp_path):
    """A function that compares on an untrained supernet of shapes; returns the results file."""
    checkpoint = tmp_path / "supernet.pth"
    model = MODELS.build(shapes_config("supernet").model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), checkpoint)

    def run(name: str, *words, **options) -> dict:
        chosen = SMALL | {"data_root": f"{shapes_root}/"} | options
        chosen |= {"val_cfg.recalibration.num_images": 2}
        command = ["studies.strategies", CONFIG, checkpoint]
        command += [*words, "--work-dir", tmp_path / name, "--out", tmp_path / f"{name}/out.json"]
        command += ["--cfg-options", *(f"{key}={value}" for key, value in chosen.items())]
        monkeypatch.setattr(sys, "argv", [str(word) for word in command])
        runpy.run_path(str(ROOT / "studies/strategies/__main__.py"), run_name="__main__")
        return json.loads((tmp_path / f"{name}/out.json").read_text())

    return run


@pytest.fixture
def quick(monkeypatch):
    """Candidates scored by their number of Xceptions; ``quick(n)`` stops at the n-th."""
    calls = []
    stops = []

    def score(self, arch: Arch) -> dict[str, float]:
        if len(calls) in stops:
            stops.clear()
            raise StoppedError
        calls.append(arch)
        value = 3.0 * arch.backbone.count("xception")
        keys = {"PQ": value, "PQ_th": value + 1, "PQ_st": value - 1}
        return {f"coco_panoptic/{key}": value for key, value in keys.items()}

    monkeypatch.setattr(CandidateEvaluator, "__call__", score)
    score.calls, score.stop_at = calls, stops.append
    return score


def timeless(results: dict) -> list[dict]:
    for search in results["searches"]:
        assert search.pop("seconds") > 0
    return results["searches"]


def evaluated(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_every_search_evaluates_as_many_and_its_best_is_reported(compare, quick, tmp_path, capsys):
    results = compare("whole", "--seeds", 2, "--evaluations", 15)
    assert f"studies/strategies/__main__.py {CONFIG} " in results["command"]
    assert results["command"].endswith("val_cfg.recalibration.num_images=2")
    searches = timeless(results)
    assert [(s["strategy"], s["seed"]) for s in searches] == [(n, i) for n in NAMES for i in (0, 1)]
    for search in searches:
        records = evaluated(tmp_path / f"whole/{search['strategy']}_{search['seed']}")
        assert search["evaluations"] == len(records) == 15
        assert len({json.dumps(record["arch"]) for record in records}) == 15
        counts = [record["arch"]["backbone"].count("xception") for record in records]
        best = max(counts)
        assert search["index"] == counts.index(best)
        assert search["scores"] == dict(PQ=3 * best, PQ_th=3 * best + 1, PQ_st=3 * best - 1)
        assert ("scoreboard's winner" in search["note"]) == (search["strategy"] == "PathPriority")
    printed = capsys.readouterr().out
    assert "=== 6/6 Random, seed 1" in printed
    assert "| PathPriority | 2 | 15 |" in printed


def test_a_stopped_comparison_goes_on(compare, quick):
    words = ("--strategies", "Random", "PathPriority", "--seeds", 1, "--evaluations", 14)
    whole = timeless(compare("whole", *words))
    assert len(quick.calls) == 28
    quick.stop_at(28 + 20)
    with pytest.raises(StoppedError):
        compare("stopped", *words)
    assert timeless(compare("stopped", *words)) == whole
    assert len(quick.calls) == 56, "candidates were evaluated again"


def test_real_candidates(compare, tmp_path):
    (search,) = timeless(
        compare("real", "--strategies", "Random", "--seeds", 1, "--evaluations", 2)
    )
    scores = [r["metrics"]["coco_panoptic/PQ"] for r in evaluated(tmp_path / "real/Random_0")]
    assert search["scores"]["PQ"] == max(scores)
    assert len(scores) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--evaluations", 12], "12 evaluations, fewer than a cycle of 12 and its winner"),
        (["--evaluations", 61], "61 evaluations do not divide into generations"),
        (["--seeds", 0], "--seeds: expected a whole number of 1 or more, got '0'"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_at_once(compare, capsys, tmp_path, words, message):
    with pytest.raises(SystemExit) as stopped:
        compare("refused", *words)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "refused").exists()


def test_fewer_evaluations_than_asked_are_not_compared(compare, quick, capsys, monkeypatch):
    monkeypatch.setitem(_SIZES, "Random", lambda number: dict(total=number - 1))
    with pytest.raises(SystemExit):
        compare("fewer", "--strategies", "Random", "--seeds", 1, "--evaluations", 4)
    assert "Random with seed 0 evaluated 3 candidates instead of 4" in capsys.readouterr().err


def test_the_table_holds_means_and_sample_standard_deviations():
    def outcome(strategy: str, seed: int, score: float, seconds: float) -> Outcome:
        scores = dict(PQ=score, PQ_th=score + 1, PQ_st=2 * score)
        return Outcome(strategy, seed, 60, scores, index=3, seconds=seconds, note="")

    outcomes = [outcome("Random", i, s, 10 * i) for i, s in enumerate((20.0, 22.0, 24.0))]
    table = comparison_table([*outcomes, outcome("Evolution", 0, 30.126, 7.4)]).splitlines()
    assert table[0] == (
        "| strategy | searches | evaluations | best PQ | its PQ things | its PQ stuff "
        "| seconds per search |"
    )
    assert table[2] == "| Random | 3 | 60 | 22.00 ± 2.00 | 23.00 ± 2.00 | 44.00 ± 4.00 | 10 ± 10 |"
    assert table[3] == "| Evolution | 1 | 60 | 30.13 | 31.13 | 60.25 | 7 |"
