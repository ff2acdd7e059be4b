"""The search core in one process: failures, retries, the cache, other searches' files."""

import errno
import json
import multiprocessing
import os
import random
import time
from itertools import count
from pathlib import Path

import pytest

from mmpanonas.errors import InputError
from mmpanonas.execution import (
    Attempt,
    Cache,
    Executor,
    Search,
    SearchDirectory,
    SearchDirectoryError,
    SearchFailedError,
    SerialExecutor,
    WorkerBrokenError,
    read_records,
    read_seconds,
)
from mmpanonas.search import STRATEGIES, Random
from mmpanonas.space import Arch
from tests.execution.fake import METRIC, SPACE, Fake, make, score

ANSWER = ("results.jsonl", "arch.json", "ranking.csv", "strategy.json")


def search(
    folder: Path,
    evaluate=None,
    strategy=None,
    executor=None,
    resume: bool = True,
    timeout=None,
    **options,
) -> list[dict]:
    """Run a search of 12 candidates; returns the lines of its results."""
    directory = SearchDirectory(folder, dict(what="fake"), resume)
    strategy = strategy or Random(SPACE, total=12)
    executor = executor or SerialExecutor(Attempt(evaluate or Faulty({}), METRIC, timeout))
    try:
        Search(strategy, directory, METRIC, **options).run(executor)
    finally:
        directory.close()
    return lines(folder / "results.jsonl")


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def files(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ANSWER]


class Faulty:
    """Raises what ``errors`` holds for the number of the call; counts calls per architecture."""

    def __init__(self, errors: dict[int, BaseException | dict]) -> None:
        self.errors, self.calls, self.archs = errors, count(), []

    def __call__(self, arch: Arch) -> dict[str, float]:
        call = next(self.calls)
        self.archs.append(arch)
        answer = self.errors.get(call, {METRIC: score(arch)})
        if isinstance(answer, BaseException):
            raise answer
        return answer


# Failures


def test_a_failure_is_tried_again_and_leaves_no_trace_in_the_answer(tmp_path):
    said = []
    faulty = Faulty({3: RuntimeError("once"), 7: {METRIC: float("inf")}})
    search(tmp_path / "faulty", faulty, say=said.append)
    search(tmp_path / "sound", Faulty({}))
    assert files(tmp_path / "faulty") == files(tmp_path / "sound")
    assert faulty.archs[3] == faulty.archs[4]
    assert len(faulty.archs) == 14
    assert said == [
        "candidate 3 failed on serial (RuntimeError: once), try 1 of 2",
        "candidate 6 failed on serial (pq is inf), try 1 of 2",
    ]
    tries = [line["index"] for line in lines(tmp_path / "faulty/times.jsonl")]
    assert tries == [0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11]
    assert read_seconds(tmp_path / "faulty") > 0


class OutOfMemoryError(RuntimeError):
    """As PyTorch's is called."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("broken 0x7f12\nsecond line"), "RuntimeError: broken ..."),
        (
            RuntimeError("DataLoader worker (pid(s) 12, 13) exited unexpectedly"),
            "RuntimeError: DataLoader worker ... exited unexpectedly",
        ),
        (AssertionError(), "AssertionError"),
        (MemoryError(), "out of memory"),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out of memory"),
        ({METRIC: float("nan")}, "pq is nan"),
        ({"PQ": 1.0}, "no metric 'pq': the evaluator gives PQ"),
    ],
)
def test_every_kind_of_failure_has_its_reason_and_the_search_goes_on(tmp_path, error, reason):
    said = []
    results = search(tmp_path, Faulty({2: error, 3: error, 4: error}), max_tries=3, say=said.append)
    assert [r["state"] for r in results] == ["done"] * 2 + ["failed"] + ["done"] * 9
    assert results[2]["reason"] == reason
    assert results[2]["metrics"] == {}
    assert said[-1] == f"candidate 2 is recorded as failed: {reason}"
    assert "reason" not in results[0]
    assert len((tmp_path / "ranking.csv").read_text().splitlines()) == 12
    assert [record.failed for record in read_records(tmp_path)].count(True) == 1


def test_a_time_out_interrupts_even_code_that_catches_everything(tmp_path):
    def evaluate(arch: Arch) -> dict[str, float]:
        if arch == slow:
            for _ in range(3):
                try:
                    time.sleep(60)
                except Exception:
                    continue
        return {METRIC: score(arch)}

    slow = Random(SPACE, total=12).propose(12)[5]
    begin = time.monotonic()
    results = search(tmp_path, evaluate, max_tries=1, timeout=0.2)
    assert time.monotonic() - begin < 60
    failed = [r for r in results if r["state"] == "failed"]
    assert [(r["index"], r["reason"]) for r in failed] == [(5, "timed out after 0.2 s")]


def test_what_failed_is_counted_at_the_end(tmp_path):
    directory = SearchDirectory(tmp_path, {})
    faulty = Faulty({1: ValueError("a"), 3: ValueError("a"), 5: {METRIC: float("nan")}})
    run = Search(Random(SPACE, total=12), directory, METRIC, max_tries=1)
    assert run.failures == ""
    run.run(SerialExecutor(Attempt(faulty, METRIC)))
    assert run.failures == "3 of 12 candidates failed: ValueError: a (1, 3); pq is nan (5)"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), WorkerBrokenError("no GPU")])
def test_a_stop_is_no_failure(tmp_path, error):
    with pytest.raises(type(error)):
        search(tmp_path / "stopped", Faulty({4: error}))
    assert len(lines(tmp_path / "stopped/results.jsonl")) == 4
    search(tmp_path / "stopped")
    search(tmp_path / "whole")
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")


def test_a_broken_evaluator_stops_the_search_and_once_mended_it_goes_on(tmp_path):
    def broken(arch: Arch) -> dict:
        raise TypeError("unexpected keyword")

    said = []
    for _ in range(2):  # a second start meets the failures of the first
        with pytest.raises(SearchFailedError, match=r"all failed.*TypeError: unexpected keyword"):
            search(tmp_path / "broken", broken, say=said.append)
        assert len(lines(tmp_path / "broken/results.jsonl")) == 5
    assert said.count("the first candidates had all failed: they are tried again") == 1
    search(tmp_path / "broken")
    search(tmp_path / "whole")
    assert files(tmp_path / "broken") == files(tmp_path / "whole")


def test_a_short_search_of_failures_alone_is_an_error(tmp_path):
    def broken(arch: Arch) -> dict:
        raise TypeError("no")

    with pytest.raises(SearchFailedError, match="TypeError: no"):
        search(tmp_path, broken, Random(SPACE, total=3))
    with pytest.raises(SearchFailedError, match="12 of 12 candidates failed: TypeError: no"):
        search(tmp_path / "stubborn", broken, give_up_after=None)
    assert not (tmp_path / "arch.json").exists()


@pytest.mark.parametrize("options", [dict(max_tries=0), dict(give_up_after=0)])
def test_impossible_numbers_are_refused(tmp_path, options):
    with pytest.raises(InputError, match="expected 1 or more"):
        search(tmp_path, **options)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_what_failed_never_wins(tmp_path, name):
    """The failed would be the best by far if they counted."""

    def evaluate(arch: Arch) -> dict[str, float]:
        if arch.backbone.count("xception") >= 2:
            raise RuntimeError("too good")
        return {METRIC: score(arch)}

    search(tmp_path, evaluate, make(name, 60), give_up_after=None)
    assert Arch.load(tmp_path / "arch.json").backbone.count("xception") < 2


# Files


def test_every_torn_end_of_the_results_is_redone(tmp_path):
    search(tmp_path / "whole", strategy=Random(SPACE, total=3))
    content = (tmp_path / "whole/results.jsonl").read_bytes()
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    for length in range(last, len(content), 7):
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / "search.json").write_bytes((tmp_path / "whole/search.json").read_bytes())
        (folder / "results.jsonl").write_bytes(content[:length])
        faulty = Faulty({})
        search(folder, faulty, Random(SPACE, total=3))
        assert len(faulty.archs) == 1
        assert (folder / "results.jsonl").read_bytes() == content


def test_a_result_is_on_disk_before_the_next_candidate_is_proposed(tmp_path):
    class Watched(Random):
        def propose(self, limit: int) -> list[Arch]:
            seen.append((len(self.scores), len(read_records(tmp_path))))
            return super().propose(limit)

    seen: list[tuple[int, int]] = []
    search(tmp_path, strategy=Watched(SPACE, total=12))
    assert seen == [(n, n) for n in range(13)]


def test_a_line_that_is_no_json_is_named(tmp_path):
    search(tmp_path)
    path = tmp_path / "results.jsonl"
    path.write_text("oops\n" + path.read_text())
    with pytest.raises(SearchDirectoryError, match=r"results\.jsonl holds a line that is no JSON"):
        search(tmp_path)


def test_results_are_not_written_over_nor_mixed(tmp_path):
    search(tmp_path)
    with pytest.raises(SearchDirectoryError, match="--resume"):
        search(tmp_path, resume=False)
    with pytest.raises(SearchDirectoryError, match=r"differs in what \(fake there, other here\)"):
        SearchDirectory(tmp_path, dict(what="other"), resume=True)
    with pytest.raises(SearchDirectoryError, match="another architecture as candidate 0"):
        search(tmp_path, strategy=Random(SPACE, seed=1, total=12))


def test_only_the_same_launch_goes_on_by_itself(tmp_path):
    search(tmp_path)
    for launch in ("first", "second"):
        SearchDirectory(tmp_path, dict(what="fake"), True, dict(launch=launch)).close()
    SearchDirectory(tmp_path, dict(what="fake"), False, dict(launch="second")).close()
    with pytest.raises(SearchDirectoryError, match="--resume"):
        SearchDirectory(tmp_path, dict(what="fake"), False, dict(launch="first"))


def _hold(folder: Path, pipe) -> None:
    directory = SearchDirectory(folder, {})
    pipe.send("held")
    pipe.recv()
    directory.close()


def test_two_processes_do_not_search_in_one_folder(tmp_path):
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_hold, args=(tmp_path, there))
    process.start()
    assert here.recv() == "held"
    with pytest.raises(SearchDirectoryError, match=f"is being searched by process {process.pid}"):
        SearchDirectory(tmp_path, {})
    process.kill()
    process.join()
    SearchDirectory(tmp_path, {}).close()


def test_a_full_disk_is_a_clear_error_and_nothing_is_lost(tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        if len(lines(tmp_path / "full/results.jsonl")) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        (tmp_path / "full").mkdir()
        (tmp_path / "full/results.jsonl").touch()
        with pytest.raises(SearchDirectoryError, match=r"No space left on device.*--resume"):
            search(tmp_path / "full")
    search(tmp_path / "full")
    search(tmp_path / "whole")
    assert files(tmp_path / "full") == files(tmp_path / "whole")


# The cache


def test_searches_share_evaluations(tmp_path):
    def run(name: str, evaluate=None, context: str = "A", total: int = 12) -> None:
        cache = Cache(tmp_path / "cache", dict(checkpoint=context))
        search(tmp_path / name, evaluate, Random(SPACE, total=total), cache=cache)

    run("first", total=8)
    with next((tmp_path / "cache").iterdir()).open("a") as file:
        file.write('{"arch": {"backb')  # torn
    second, third, other = Faulty({}), Faulty({}), Faulty({})
    run("second", second)
    assert len(second.archs) == 4
    run("third", third)
    assert third.archs == []
    search(tmp_path / "alone")
    assert files(tmp_path / "third") == files(tmp_path / "alone")
    workers = [line["worker"] for line in lines(tmp_path / "third/times.jsonl")]
    assert workers == ["cache"] * 12
    run("other", other, context="B")
    assert len(other.archs) == 12


def test_failures_are_not_shared(tmp_path):
    cache = Cache(tmp_path / "cache", {})
    search(tmp_path / "first", Faulty({2: ValueError(), 3: ValueError()}), cache=cache)
    second = Faulty({})
    results = search(tmp_path / "second", second, cache=Cache(tmp_path / "cache", {}))
    assert len(second.archs) == 1
    assert all(r["state"] == "done" for r in results)


def test_searches_at_the_same_time_see_each_others_evaluations(tmp_path):
    ours, theirs = (Cache(tmp_path, {}) for _ in range(2))
    archs = Random(SPACE, total=3).propose(3)
    for arch in archs:
        assert ours.get(arch) is None
        theirs.put(arch, {METRIC: 1 / 3})
        assert ours.get(arch) == {METRIC: 1 / 3}


# Order


class Shuffled(Executor):
    """Four places whose outcomes come in the order of ``turns``."""

    def __init__(self, turns) -> None:
        self.attempt, self.turns, self.tasks = Attempt(Fake(faulty=True), METRIC), turns, []

    @property
    def free(self) -> int:
        return 4 - len(self.tasks)

    def submit(self, task) -> None:
        self.tasks.append(task)

    def wait(self) -> list:
        task = self.tasks.pop(self.turns.randrange(len(self.tasks)))
        return [self.attempt(task)]

    def close(self) -> None:
        assert self.tasks == []


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_the_order_of_outcomes_changes_nothing(tmp_path, name):
    serial = SerialExecutor(Attempt(Fake(faulty=True), METRIC))
    search(tmp_path / "serial", strategy=make(name, 60), executor=serial)
    for seed in range(3):
        folder = tmp_path / str(seed)
        turns = random.Random(seed)
        search(folder, strategy=make(name, 60), executor=Shuffled(turns))
        assert files(folder) == files(tmp_path / "serial")
        arrived = [line["index"] for line in lines(folder / "times.jsonl")]
        assert arrived != sorted(arrived)
