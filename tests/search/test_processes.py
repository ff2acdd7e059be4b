"""Real searches in real processes: killed, and on two workers of Ray."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.runner import Runner

from mmpanonas.config import load_config
from tests.conftest import ROOT, SMALL
from tests.search.conftest import CONFIG

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

    def run(*words, writes: int | None = None) -> subprocess.Popen:
        program = [sys.executable, "-W", "ignore"]
        program += ["-m", "tests.dying", "die", str(writes)] if writes else []
        program += ["tools/search.py", str(CONFIG), str(checkpoint)]
        options = SEARCH | {"data_root": shapes_root}
        program += [*words, "--work-dir", str(tmp_path / "search"), "--cfg-options"]
        program += [f"{key}={value}" for key, value in options.items()]
        env = os.environ | dict(OMP_NUM_THREADS="1")
        log = (tmp_path / "log").open("a")
        return subprocess.Popen(program, cwd=ROOT, env=env, stdout=log, stderr=log)

    return run


def results(folder: Path) -> int:
    path = folder / "results.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def starts(folder: Path) -> int:
    return len(json.loads((folder / "run.json").read_text())["starts"])


def test_killed_twice_and_gone_on_with_by_workers_of_ray(start, whole, tmp_path):
    """In its own process, then the driver of two workers, then two workers to the end."""
    folder, ray = tmp_path / "search", ("--num-workers", "2")
    for words, writes in (((), 3), (ray, 2)):
        known = results(folder)
        assert start("--resume", *words, writes=writes).wait(timeout=400) == -signal.SIGKILL
        assert results(folder) == known + writes
    assert start("--resume", *ray).wait(timeout=400) == 0, (tmp_path / "log").read_text()[-3000:]
    assert answer(folder) == whole
    assert starts(folder) == 3
    tries = map(json.loads, (folder / "times.jsonl").read_text().splitlines())
    assert {entry["worker"].split()[0] for entry in tries} == {"serial", "ray"}
