"""Real searches in real processes: killed, on two ranks of torchrun, on two workers of Ray."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from mmengine.runner import Runner

from mmpanonas.config import load_config
from tests.conftest import ROOT, SMALL
from tests.engine.conftest import CONFIG
from tests.ranks import free_port

pytestmark = pytest.mark.timeout(1200)  # searches in processes that are killed and started again

SEARCH = SMALL | {
    "val_cfg.max_tries": 9,  # a candidate may be under way at each of the kills
    "val_cfg.recalibration.num_images": 4,
    "val_cfg.recalibration.batch_size": 2,
    "val_cfg.strategy.generations": 3,
    "val_cfg.strategy.population": 4,
    "val_cfg.strategy.parents": 2,
    "val_cfg.strategy.mutants": 2,
    "val_cfg.strategy.crosses": 1,
}
ANSWER = ("results.jsonl", "arch.json", "ranking.csv", "strategy.json")


@pytest.fixture(scope="module")
def whole(checkpoint, shapes_root, tmp_path_factory) -> dict[str, bytes]:
    """The answer of a search of 12 candidates in one process that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    options = SEARCH | {"data_root": str(shapes_root), "work_dir": str(folder)}
    config = load_config(str(CONFIG), options)
    config.load_from = str(checkpoint)
    Runner.from_cfg(config).val()
    return answer(folder)


def answer(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ANSWER}


@pytest.fixture
def start(checkpoint, shapes_root, tmp_path):
    """A function that starts a search as a user would, in ``tmp_path/search``."""

    def run(*words, ranks: int = 0, writes: int | None = None, **more) -> subprocess.Popen:
        program = [sys.executable, "-W", "ignore"]
        program += ["-m", "tests.dying", "die", str(writes)] if writes else []
        program += ["tools/search.py"]
        program = ["bash", "tools/dist_search.sh"] if ranks else program
        program += [str(CONFIG), str(checkpoint)]
        program += [str(ranks)] if ranks else []
        options = SEARCH | {"data_root": shapes_root}
        program += [*words, "--work-dir", str(tmp_path / "search"), "--cfg-options"]
        program += [f"{key}={value}" for key, value in options.items()]
        env = os.environ | dict(PORT=free_port(), OMP_NUM_THREADS="1", PYTHON=sys.executable)
        env |= more
        log = (tmp_path / "log").open("a")
        return subprocess.Popen(program, cwd=ROOT, env=env, stdout=log, stderr=log)

    return run


def until(condition: Callable[[], object], process: subprocess.Popen) -> None:
    """Wait for a condition that must come while the process lives."""
    while not condition():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)


def results(folder: Path) -> int:
    path = folder / "results.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def starts(folder: Path) -> int:
    return len(json.loads((folder / "run.json").read_text())["starts"])


def test_killed_three_times(start, whole, tmp_path):
    folder = tmp_path / "search"
    for writes in (3, 1, 4):
        known = results(folder)
        assert start("--resume", writes=writes).wait(timeout=400) == -signal.SIGKILL
        assert results(folder) == known + writes
    assert start("--resume").wait(timeout=400) == 0
    assert answer(folder) == whole
    assert starts(folder) == 4


def rank_process(launcher: subprocess.Popen, rank: int) -> psutil.Process:
    """The rank itself: what it has started is younger, and may be gone before it is asked."""
    found = []
    for child in psutil.Process(launcher.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child.environ().get("RANK") == str(rank):
                found.append(child)
    return min(found, key=psutil.Process.create_time)


def test_two_ranks_killed_one_by_one_then_torchrun_itself(start, whole, tmp_path):
    """torchrun starts both again, and without --resume they go on; rank 0 coordinates."""
    folder = tmp_path / "search"
    python = tmp_path / "python"  # each start waits at its first result until it is killed
    python.write_text(f'#!/bin/sh\nshift\nexec {sys.executable} -m tests.dying wait 1 "$@"\n')
    python.chmod(0o755)
    process = start(ranks=2, PYTHON_EXEC=str(python))
    for number, rank in enumerate((1, 0), 1):
        known = results(folder)
        until(lambda known=known: results(folder) > known, process)
        rank_process(process, rank).kill()
        until(lambda number=number: starts(folder) > number, process)
    until(lambda: results(folder) == 3, process)
    ranks = [rank_process(process, rank) for rank in (0, 1)]
    process.kill()
    process.wait()
    psutil.wait_procs(ranks, timeout=100)
    assert not any(map(psutil.Process.is_running, ranks)), "ranks outlive their launcher"

    assert start(ranks=2).wait(timeout=400) != 0
    assert starts(folder) == 3, "a user's error was started again"
    assert "continue it with --resume" in (tmp_path / "log").read_text()

    assert start("--resume", ranks=2).wait(timeout=400) == 0
    assert answer(folder) == whole
    tries = map(json.loads, (folder / "times.jsonl").read_text().splitlines())
    assert {entry["worker"] for entry in tries} <= {"rank 0", "rank 1"}


def test_two_workers_of_ray(start, whole, tmp_path):
    process = start("--executor", "ray", "--num-workers", "2")
    assert process.wait(timeout=400) == 0, (tmp_path / "log").read_text()[-3000:]
    assert answer(tmp_path / "search") == whole
    tries = map(json.loads, (tmp_path / "search/times.jsonl").read_text().splitlines())
    assert {entry["worker"].split()[0] for entry in tries} == {"ray"}  # one may be late for all
