"""Workers at the other end of a socket: who waits for whom, and whose fault a death is."""

import faulthandler
import json
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

import pytest

from mmpanonas.execution import (
    Attempt,
    Attempts,
    Search,
    SearchDirectory,
    SerialExecutor,
    SocketExecutor,
    WorkersLostError,
    serve,
)
from mmpanonas.search import Random
from mmpanonas.space import Arch
from tests.execution.fake import KEY, METRIC, SPACE, Fake, work

#: Forks of a process without threads. This one has those of Ray and torch after other tests, and a
#: child that inherits a lock from them never calls.
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload([__name__])
ARCHS = Random(SPACE, total=12).propose(12)


def run(folder: Path, evaluates: list, **options) -> tuple[list[dict], list[dict]]:
    """Search with one worker for each of ``evaluates``; returns results and tries."""
    listener = Listener(("127.0.0.1", 0), authkey=KEY)
    workers = [
        FORK.Process(target=work, args=(listener.address, evaluate, f"worker {place}"))
        for place, evaluate in enumerate(evaluates)
    ]
    for worker in workers:
        worker.start()
    executor = SocketExecutor(listener, len(workers))
    directory = SearchDirectory(folder, {}, resume=True)
    try:
        Search(Random(SPACE, total=12), directory, METRIC, **options).run(executor)
    finally:
        executor.dismiss(None)
        for worker in workers:
            worker.join()
    return [
        list(map(json.loads, (folder / name).read_text().splitlines()))
        for name in ("results.jsonl", "times.jsonl")
    ]


@pytest.fixture
def expected(tmp_path) -> list[dict]:
    directory = SearchDirectory(tmp_path / "serial", {})
    serial = SerialExecutor(Attempt(Fake(), METRIC))
    Search(Random(SPACE, total=12), directory, METRIC).run(serial)
    return list(map(json.loads, (tmp_path / "serial/results.jsonl").read_text().splitlines()))


@dataclass
class Slow(Fake):
    """The first candidate takes until the last one is done."""

    flag: Path = Path()

    def __call__(self, arch: Arch) -> dict[str, float]:
        while arch == ARCHS[0] and not self.flag.exists():
            time.sleep(0.01)
        if arch == ARCHS[-1]:
            self.flag.touch()
        return super().__call__(arch)


def test_the_slowest_candidate_holds_nobody(tmp_path, expected):
    results, tries = run(tmp_path / "search", [Slow(flag=tmp_path / "flag")] * 2)
    assert results == expected
    assert [t["index"] for t in tries][-2:] in ([11, 0], [0, 11])
    assert sorted([t["index"] for t in tries][:-2]) == list(range(1, 11))


@dataclass
class Dying(Fake):
    """Ends its process at the third call in one of the ways that a process ends."""

    way: str = "kill"

    def __call__(self, arch: Arch) -> dict[str, float]:
        if self.calls == 2:
            if self.way == "stop":
                raise SystemExit
            faulthandler.disable()
            os.kill(os.getpid(), signal.SIGSEGV if self.way == "crash" else signal.SIGKILL)
        return super().__call__(arch)


@pytest.mark.parametrize("way", ["kill", "crash"])
def test_a_death_is_a_try_and_the_others_go_on(tmp_path, expected, way):
    attempts = Attempts(tmp_path, "launch")
    results, tries = run(tmp_path / "search", [Fake(), Dying(way=way)], attempts=attempts)
    assert results == expected
    (death,) = [t for t in tries if "reason" in t]
    assert (death["worker"], death["reason"]) == ("worker 1", "worker died")
    assert attempts.deaths() == {death["index"]: 1}


def test_a_worker_that_is_told_to_stop_is_no_failure_of_its_candidate(tmp_path, expected):
    results, tries = run(tmp_path / "search", [Fake(), Dying(way="stop")], max_tries=1)
    assert results == expected
    assert [t["reason"] for t in tries if "reason" in t] == ["stopped"]


def test_without_workers_the_search_stops_and_goes_on_later(tmp_path, expected):
    folder = tmp_path / "search"
    with pytest.raises(WorkersLostError, match="no worker is left"):
        run(folder, [Dying(), Dying()], max_tries=3)  # both may die of the same candidate
    assert len((folder / "results.jsonl").read_text().splitlines()) == 4
    assert run(folder, [Fake()])[0] == expected


def coordinate_nothing(out: Connection) -> None:
    listener = Listener(("127.0.0.1", 0), authkey=KEY)
    out.send(listener.address)
    out.send(SocketExecutor(listener, 1).free)
    os._exit(1)


def test_a_worker_whose_coordinator_has_died_ends():
    here, there = FORK.Pipe()
    coordinator = FORK.Process(target=coordinate_nothing, args=(there,))
    coordinator.start()
    connection = Client(here.recv(), authkey=KEY)
    with pytest.raises(EOFError):
        serve(connection, Attempt(Fake(), METRIC), "lonely")
    assert here.recv() == 1
    coordinator.join()


# What a restart within one launch knows


def test_deaths_count_within_one_launch_and_not_beyond(tmp_path):
    attempts = Attempts(tmp_path, "A")
    attempts.died(3)
    for index in (4, 5):
        attempts.started(index)
    attempts.ended(4)
    attempts.died(3)
    assert attempts.deaths() == {3: 2, 5: 1}
    assert Attempts(tmp_path, "A").deaths() == {3: 2, 5: 1}
    assert Attempts(tmp_path, "B").deaths() == {}


@pytest.mark.parametrize("launch", ["same", "other"])
def test_a_candidate_that_always_kills_is_given_up_within_a_launch_only(tmp_path, launch):
    before = Attempts(tmp_path / "search", "same")
    (tmp_path / "search").mkdir()
    for _ in range(2):
        before.started(7)
    attempts = Attempts(tmp_path / "search", launch)
    results, _ = run(tmp_path / "search", [Fake()], attempts=attempts)
    reasons = {r["index"]: r["reason"] for r in results if r["state"] == "failed"}
    assert reasons == ({7: "worker died"} if launch == "same" else {})
