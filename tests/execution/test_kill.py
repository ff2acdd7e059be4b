"""A real search process killed at random moments ends like one that was not, bit by bit."""

import json
import multiprocessing
import random
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from mmpanonas.strategies import STRATEGIES
from tests.execution.fake import main

pytestmark = pytest.mark.timeout(300)  # programs that are killed and started again

KILLS = 5  # of each of the four strategies with each of the two executors: 40
FILES = ("results.jsonl", "arch.json", "ranking.csv", "strategy.json")


#: Forks of a process that has imported what a search needs, and has no threads.
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.execution.fake"])


def start(folder: Path, strategy: str, *words) -> BaseProcess:
    """Start a search in a process of its own; returns when it begins."""
    here, there = FORK.Pipe(duplex=False)
    words = [str(folder), strategy, *map(str, words)]
    process = FORK.Process(target=main, args=(words, there))
    process.start()
    there.close()
    assert here.recv() == "begin"
    return process


def finish(folder: Path, strategy: str, *words) -> dict[str, bytes]:
    """Let a search end; returns the files of its answer."""
    process = start(folder, strategy, *words)
    process.join(120)
    assert process.exitcode == 0
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


@pytest.mark.parametrize("workers", [0, 3], ids=["serial", "3_places"])
@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_killed_at_random_moments(whole, tmp_path, strategy, workers):
    chance = random.Random(f"{strategy} {workers}")
    words = ["--faulty", "--sleep", 0.02]
    words += ["--executor", "shuffled", "--workers", workers] if workers else []
    for _ in range(KILLS):
        # In all at most 0.75 s of the 1.2 s that candidates sleep, on any machine.
        process = start(tmp_path, strategy, *words, "--dies-after", chance.uniform(0, 0.15))
        process.join(120)
        assert process.exitcode == -signal.SIGALRM
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
