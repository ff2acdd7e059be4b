"""What a Pareto search leaves: export_arch.py by rank, number and cost; draw_search.py."""

import json
from functools import partial

import cv2
import numpy as np
import pytest

from mmpanonas.space import Arch, Part, SearchSpace
from mmpanonas.strategies import Pareto
from tests.tools.conftest import one_line

PQ = "coco_panoptic/PQ"
SPACE = SearchSpace([Part("backbone", 10)])


@pytest.fixture
def run(call_tool):
    """Run the tool; returns (exit code, stdout, stderr)."""
    return partial(call_tool, "tools/analysis_tools/export_arch.py")


def cost(arch: Arch) -> float:
    return float(sum(place * code for place, code in enumerate(SPACE.encode(arch), 1)))


@pytest.fixture
def search(tmp_path):
    """The directory of a Pareto search of 24; candidates 5 and 6 have failed."""
    strategy = Pareto(SPACE, cost=cost, cost_name="steps", generations=3, population=8)
    rng, lines = np.random.default_rng(0), []
    while not strategy.done:
        (arch,) = strategy.propose(1)
        score = -np.inf if len(lines) in (5, 6) else cost(arch) + 5 * rng.random()
        strategy.tell(arch, score)
        failed = dict(metrics={}, state="failed", reason="lost") if len(lines) in (5, 6) else {}
        line = dict(index=len(lines), arch=arch.to_dict(), metrics={PQ: score}) | failed
        lines.append(line | dict(cost={"network_macs": cost(arch)}))
    folder = tmp_path / "search"
    folder.mkdir()
    (folder / "search.json").write_text(json.dumps(dict(metric=PQ)))
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "results.jsonl").write_text(text + '{"index": 24, "arch": {"backb')
    (folder / "strategy.json").write_text(json.dumps(strategy.report()))
    return folder, lines


def test_the_best_by_rank(run, search, tmp_path):
    folder, lines = search
    scored = [line for line in lines if line["metrics"]]
    ranked = sorted(scored, key=lambda line: -line["metrics"][PQ])
    for options, line in (
        ((), ranked[0]),
        (("--rank", 3), ranked[2]),
        (("--rank", 22), ranked[-1]),
    ):
        code, out, _ = run(folder, tmp_path / "arch.json", *options)
        assert code == 0
        assert Arch.load(tmp_path / "arch.json") == Arch.from_dict(line["arch"])
        assert f"candidate {line['index']}, rank" in out
        assert f"of 22, {PQ} {line['metrics'][PQ]:.4f}, network_macs" in out


def test_a_candidate_by_its_number(run, search, tmp_path):
    folder, lines = search
    code, out, _ = run(folder, tmp_path / "arch.json", "--index", 7)
    assert code == 0
    assert Arch.load(tmp_path / "arch.json") == Arch.from_dict(lines[7]["arch"])
    assert "candidate 7, rank " in out


def test_every_point_of_the_front_can_be_had(run, search, tmp_path):
    folder, _ = search
    front = json.loads((folder / "strategy.json").read_text())["front"]
    assert len(front) > 3
    for point, following in zip(front, [*front[1:], dict(cost=1e9)], strict=True):
        between = (point["cost"] + following["cost"]) / 2
        for limit in (point["cost"], between):
            code, out, _ = run(folder, tmp_path / "arch.json", "--max-cost", limit)
            assert code == 0
            assert Arch.load(tmp_path / "arch.json") == Arch.from_dict(point["arch"])
            assert f"{PQ} {point['score']:.4f}, network_macs {point['cost']:,.6g}" in out


def test_the_front_is_drawn_beside_the_progress(call_tool, run, search, tmp_path):
    folder, lines = search
    (folder / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run(folder, folder / "arch.json")
    (folder / "ranking.csv").write_text("index\n" + "".join(f"{n}\n" for n in range(24)))
    config = "configs/auto_panoptic/ablations/backbone_only.py"
    code, out, err = call_tool("tools/analysis_tools/draw_search.py", folder, "--config", config)
    assert code == 0, err
    assert out.strip().endswith(f"{folder / 'pareto.png'}")
    for name in ("progress.png", "arch.png", "pareto.png"):
        assert min(cv2.imread(str(folder / name)).shape[:2]) > 300


def test_errors_are_one_line_and_nothing_is_written(run, search, tmp_path):
    folder, _ = search
    out = tmp_path / "arch.json"
    assert one_line(run(folder, out, "--rank", 23)) == "error: --rank: expected 1 to 22, got 23"
    assert "--rank: expected a whole number of 1 or more" in one_line(run(folder, out, "--rank", 0))
    for number in (5, 6, 24):
        message = one_line(run(folder, out, "--index", number))
        assert message == f"error: no scored candidate has index {number}"
    least = json.loads((folder / "strategy.json").read_text())["front"][0]["cost"]
    message = one_line(run(folder, out, "--max-cost", least - 1))
    assert message.endswith(f"the cheapest point costs {least:g} (steps)")
    assert "its folder does not exist" in one_line(run(folder, tmp_path / "no/arch.json"))
    assert "holds no results.jsonl" in one_line(run(tmp_path, out))
    (folder / "strategy.json").write_text("{}")
    message = one_line(run(folder, out, "--max-cost", 1))
    assert "holds no front" in message
    (folder / "results.jsonl").write_text("")
    assert "holds no result yet" in one_line(run(folder, out))
    assert not out.exists()
