"""The files of a search: torn, full, locked, of another search, shared."""

import errno
import multiprocessing
import os
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from mmpanonas.files import write_atomically
from mmpanonas.records import Cache, SearchDirectory, SearchDirectoryError, read_candidates
from mmpanonas.space import Arch
from mmpanonas.strategies import Random
from tests.execution.fake import METRIC, SPACE
from tests.execution.helpers import Faulty, files, lines, search


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
            seen.append((len(self.scores), len(read_candidates(tmp_path))))
            return super().propose(limit)

    seen: list[tuple[int, int]] = []
    search(tmp_path, strategy=Watched(SPACE, total=12))
    assert seen == [(n, n) for n in range(13)]


def test_a_line_that_is_no_json_is_named(tmp_path):
    search(tmp_path)
    path = tmp_path / "results.jsonl"
    path.write_text("oops\n" + path.read_text())
    with pytest.raises(SearchDirectoryError, match=r"results\.jsonl, line 1, is no JSON"):
        search(tmp_path)


def test_results_are_not_written_over_nor_mixed(tmp_path):
    search(tmp_path)
    with pytest.raises(SearchDirectoryError, match="--resume"):
        search(tmp_path, resume=False)
    with pytest.raises(SearchDirectoryError, match=r"differs in what \(fake there, other here\)"):
        SearchDirectory(tmp_path, dict(what="other"), resume=True)
    with pytest.raises(SearchDirectoryError, match="gives candidate 0 another architecture"):
        search(tmp_path, strategy=Random(SPACE, seed=1, total=12))


def _hold(folder: Path, pipe) -> None:
    directory = SearchDirectory(folder, {})
    pipe.send("held")
    pipe.recv()
    directory.close()


def test_two_processes_do_not_search_in_one_folder(tmp_path):
    context = multiprocessing.get_context("forkserver")
    here, there = context.Pipe()
    process = context.Process(target=_hold, args=(tmp_path, there))
    process.start()
    assert here.recv() == "held"
    with pytest.raises(SearchDirectoryError, match=f"is being searched by process {process.pid}"):
        SearchDirectory(tmp_path, {})
    process.kill()
    process.join()
    SearchDirectory(tmp_path, {}).close()


@pytest.mark.parametrize("place", range(21))
def test_a_full_disk_is_a_clear_error_and_nothing_is_lost(tmp_path, monkeypatch, place):
    """The disk is full at one write after the other, and has room again for the next start."""
    writes = count()

    def write(descriptor: int, data: bytes) -> int:
        if next(writes) == place:
            real(descriptor, data[: len(data) // 2])  # a part gets on it
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    real, strategy = os.write, partial(Random, SPACE, total=5)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        message = r"cannot write .*No space left on device.*--resume.* is safe"
        with pytest.raises(SearchDirectoryError, match=message):
            search(tmp_path / "full", strategy=strategy())
    search(tmp_path / "full", strategy=strategy())
    search(tmp_path / "whole", strategy=strategy())
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


def test_half_a_character_is_written_as_an_escape(tmp_path):
    """A failure's reason may hold the name of a file in another encoding."""
    write_atomically(tmp_path / "page", "ü" + os.fsdecode(b"\xe9"))
    assert (tmp_path / "page").read_text(encoding="utf-8") == "ü\\udce9"
