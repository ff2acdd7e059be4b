"""The search core in one process: failures, retries, and the order of outcomes."""

import random
import signal
import time
from functools import partial

import pytest

from mmpanonas.errors import InputError
from mmpanonas.execution import Search, SearchFailedError, SerialExecutor, WorkerBrokenError
from mmpanonas.records import SearchDirectory, read_candidates, read_seconds
from mmpanonas.space import Arch
from mmpanonas.strategies import STRATEGIES, Random
from tests.execution.fake import METRIC, SPACE, Fake, Shuffled, make, score
from tests.execution.helpers import Faulty, files, lines, search

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
    assert [record.failed for record in read_candidates(tmp_path)].count(True) == 1


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
    others = signal.setitimer(signal.ITIMER_REAL, 50)
    results = search(tmp_path, evaluate, max_tries=1, timeout=0.2)
    assert time.monotonic() - begin < 60
    assert signal.setitimer(signal.ITIMER_REAL, *others)[0] > 0, "another's alarm was taken away"
    failed = [r for r in results if r["state"] == "failed"]
    assert [(r["index"], r["reason"]) for r in failed] == [(5, "timed out after 0.2 s")]


def test_what_failed_is_counted_at_the_end(tmp_path):
    directory = SearchDirectory(tmp_path, {})
    faulty = Faulty({1: ValueError("a"), 3: ValueError("a"), 5: {METRIC: float("nan")}})
    run = Search(Random(SPACE, total=12), directory, METRIC, max_tries=1)
    assert run.failures == ""
    run.run(SerialExecutor(lambda: faulty, METRIC))
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


# Order


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_the_order_of_outcomes_changes_nothing(tmp_path, name):
    serial = SerialExecutor(partial(Fake, faulty=True), METRIC)
    search(tmp_path / "serial", strategy=make(name, 60), executor=serial)
    for seed in range(3):
        folder = tmp_path / str(seed)
        turns = random.Random(seed)
        search(folder, strategy=make(name, 60), executor=Shuffled(Fake(faulty=True), turns))
        assert files(folder) == files(tmp_path / "serial")
        arrived = [line["index"] for line in lines(folder / "times.jsonl")]
        assert arrived != sorted(arrived)
