"""A real search process killed at random moments ends like one that was not, bit by bit."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mmpanonas.search import STRATEGIES
from tests.conftest import ROOT

pytestmark = pytest.mark.timeout(300)  # programs that are killed and started again

KILLS = 5  # of each of the four strategies with each of the two executors: 40
FILES = ("results.jsonl", "arch.json", "ranking.csv", "strategy.json")


def start(folder: Path, strategy: str, *words) -> subprocess.Popen:
    """Start a search; returns when it begins."""
    command = [sys.executable, "-m", "tests.execution.fake", str(folder), strategy]
    process = subprocess.Popen(
        [*command, *map(str, words)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begin\n"
    return process


def finish(folder: Path, strategy: str, *words) -> dict[str, bytes]:
    """Let a search end; returns the files of its answer."""
    process = start(folder, strategy, *words)
    process.communicate(timeout=120)
    assert process.returncode == 0
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A function that gives the answer of an uninterrupted, serial search."""
    known = {}

    def answer(strategy: str) -> dict[str, bytes]:
        if strategy not in known:
            known[strategy] = finish(tmp_path_factory.mktemp(strategy), strategy, "--faulty")
        return known[strategy]

    return answer


@pytest.mark.parametrize("workers", [0, 3], ids=["serial", "3_workers"])
@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_killed_at_random_moments(whole, tmp_path, strategy, workers):
    chance = random.Random(f"{strategy} {workers}")
    words = ["--faulty", "--sleep", 0.02 * max(workers, 1)]
    words += ["--executor", "sockets", "--workers", workers] if workers else []
    for _ in range(KILLS):
        # In all at most 0.75 s of the 1.2 s that candidates sleep, on any machine.
        process = start(tmp_path, strategy, *words, "--dies-after", chance.uniform(0, 0.15))
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGALRM
    assert (tmp_path / "results.jsonl").read_bytes() != whole(strategy)["results.jsonl"]
    assert finish(tmp_path, strategy, *words) == whole(strategy)
    starts = json.loads((tmp_path / "run.json").read_text())["starts"]
    assert len(starts) == KILLS + 1


def test_failures_are_in_the_answer(whole):
    """The searches above meet both kinds of failure, and most candidates succeed."""
    lines = [json.loads(line) for line in whole("Random")["results.jsonl"].splitlines()]
    reasons = [line.get("reason") for line in lines]
    assert set(reasons) == {None, "RuntimeError: bad at ... ...", "pq is nan"}
    assert [line["index"] for line in lines] == list(range(60))
    assert reasons.count(None) > 30
    assert all((line["state"] == "failed") == (line["metrics"] == {}) for line in lines)


def test_a_worker_that_dies_is_done_without(whole, tmp_path):
    """The second worker goes on alone; the candidate that lost its worker is tried again."""
    words = ["--faulty", "--executor", "sockets", "--killer", tmp_path / "killed"]
    assert finish(tmp_path / "search", "Evolution", *words) == whole("Evolution")
    times = (tmp_path / "search/times.jsonl").read_text().splitlines()
    assert sum(json.loads(line).get("reason") == "worker died" for line in times) == 1
    (death,) = (tmp_path / "search/attempts.jsonl").read_text().splitlines()
    assert json.loads(death)["event"] == "died"
