"""What a search directory holds is drawn, finished or not; what is missing is said."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import pytest

from mmpanonas.records import Candidate, read_search
from mmpanonas.space import Part, SearchSpace
from mmpanonas.strategies import PathPriority, Random, Strategy
from tests.conftest import ROOT

SPACE = SearchSpace([Part("backbone", 10)])
CONFIG = "configs/auto_panoptic/shapes/search_evolution.py"


@pytest.fixture
def draw(monkeypatch, tmp_path):
    """A function that draws ``tmp_path`` with the tool; returns the pictures' names."""

    def run() -> set[str]:
        tool = ROOT / "tools/analysis_tools/draw_search.py"
        words = [str(tool), str(tmp_path), "--config", CONFIG]
        monkeypatch.setattr(sys, "argv", words)
        try:
            runpy.run_path(str(tool), run_name="__main__")
        finally:
            pictures = {path.name for path in tmp_path.glob("*.png")}
            assert all(min(cv2.imread(str(tmp_path / p)).shape[:2]) > 300 for p in pictures)
        return pictures

    return run


def play(strategy: Strategy, folder: Path, count: int) -> None:
    """Leave the files of a search after ``count`` evaluations, or at its end."""
    lines = []
    for index in range(count):
        for arch in strategy.propose(1):
            score = float(index % 7)
            record = Candidate(index, arch, {"coco_panoptic/PQ": score}, {})
            lines.append(json.dumps(record.to_dict()) + "\n")
            strategy.tell(arch, score)
    (folder / "results.jsonl").write_text("".join(lines))
    if report := strategy.report():
        (folder / "strategy.json").write_text(json.dumps(report))
    if strategy.done:
        read_search(folder).winner.arch.dump(folder / "arch.json")
        rows = "".join(f"{index}\n" for index in range(index + 1))
        (folder / "ranking.csv").write_text(f"index\n{rows}")


def test_a_finished_search(draw, tmp_path, capsys):
    play(PathPriority(SPACE, cycles=2, runners_up=1), tmp_path, 99)
    assert draw() == {"progress.png", "arch.png", "scoreboard.png"}
    assert "the scoreboard's winner scores" in capsys.readouterr().out


def test_a_running_search_with_a_torn_line(draw, tmp_path, capsys):
    play(PathPriority(SPACE), tmp_path, 30)
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"index": 30, "ar')
    assert draw() == {"progress.png", "scoreboard.png"}
    assert "the search is not finished" in capsys.readouterr().out


def test_no_finished_cycle_is_an_error_after_the_progress_is_drawn(draw, tmp_path, capsys):
    play(PathPriority(SPACE), tmp_path, 5)
    with pytest.raises(SystemExit) as stopped:
        draw()
    assert stopped.value.code == 2
    assert (tmp_path / "progress.png").exists()
    error = [line for line in capsys.readouterr().err.splitlines() if line]
    assert error == [
        "error: path priority: 5 finished paths, fewer than a cycle of 12: there is no scoreboard "
        "yet; let the search go on (tools/search.py --resume)"
    ]


def test_another_strategy_has_no_scoreboard(draw, tmp_path):
    play(Random(SPACE, total=4), tmp_path, 4)
    assert draw() == {"progress.png", "arch.png"}


def test_a_folder_without_a_search(draw, capsys):
    with pytest.raises(SystemExit):
        draw()
    assert "holds no results.jsonl: give the work dir of a search" in capsys.readouterr().err
