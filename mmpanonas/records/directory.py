"""A search's files: what is searched, each result, the strategy's reckoning, the answer."""

import csv
import errno
import fcntl
import io
import json
import os
import platform
from collections.abc import Callable, Collection
from pathlib import Path

from mmpanonas.errors import InputError
from mmpanonas.files import remove_temporaries, write_atomically
from mmpanonas.records.candidates import (
    Candidate,
    check_written,
    is_try,
    read_candidates,
    read_numbered,
)
from mmpanonas.records.history import read_history, read_starts
from mmpanonas.records.identities import check_identity
from mmpanonas.records.jsonlines import JsonLines, SearchDirectoryError, writing
from mmpanonas.records.tries import Outcome

#: What a search writes at its end or on the way, and never reads.
_WRITTEN = ("config.py", "strategy.json", "arch.json", "ranking.csv")

#: All files of a search.
FILES = {*_WRITTEN, "search.json", "run.json", "results.jsonl", "times.jsonl", "rungs.jsonl"}


def check_no_result(path: str | os.PathLike, folder: str | os.PathLike) -> None:
    """Raise ``InputError`` if ``path`` is a file of the search in ``folder``, which must stay."""
    path, folder = Path(path), Path(folder)
    own = path.name in FILES and path.exists() and path.parent.samefile(folder)
    if own:
        raise InputError(f"{path} is a file of the search itself: give another name")


class SearchDirectory:
    """The files of one search, written by one process at a time.

    ``search.json`` (identity), ``run.json`` (each start: versions, command, host),
    ``results.jsonl`` and ``times.jsonl`` (a line per result, and per try), ``strategy.json``, and
    at the end ``arch.json`` and ``ranking.csv``.

    Args:
        path: created if absent.
        identity: everything that the answer depends on, as plain data.
        resume: go on with what lies there.
        grows: keys of the identity, such as "strategy.generations", that may be larger than those
            of the search that lies there: it goes on to the longer one.
        start: what to note of this start in ``run.json``, as plain data.
        say: called with a sentence on damage that the search gets over: in ``run.json`` and
            ``times.jsonl``, which say what was and decide nothing.

    Raises:
        SearchDirectoryError: another process searches there; or results lie there, and
            ``resume`` is not set, they belong to a search with another identity, or they are
            damaged.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        identity: dict,
        resume: bool = False,
        start: dict | None = None,
        say: Callable[[str], None] = lambda sentence: None,
        grows: Collection[str] = (),
    ) -> None:
        self.path, self._grows = Path(path), grows
        self.results = JsonLines(self.path / "results.jsonl")
        self.times = JsonLines(self.path / "times.jsonl")
        with writing(self.path / "search.json"):
            self.path.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.path)
        try:
            self._open(identity, resume, start or {}, say)
        except BaseException:
            self.close()
            raise

    def _open(self, identity: dict, resume: bool, start: dict, say: Callable[[str], None]) -> None:
        for name in _WRITTEN:
            if (self.path / name).is_dir():
                raise SearchDirectoryError(
                    f"{self.path / name} is a folder, where the search writes a file: remove it, "
                    f"or choose another --work-dir"
                )
        remove_temporaries(self.path, r"[\w.]+\.(?:json|jsonl|csv|py)")
        starts = read_starts(self.path / "run.json", say)
        identity = json.loads(json.dumps(identity, sort_keys=True, default=str))
        if self.results.lines(damaged=lambda problem: None)[1].line:
            if not resume:
                raise SearchDirectoryError(
                    f"{self.path} holds the results of a search; continue it with --resume, "
                    f"or choose another --work-dir"
                )
            check_identity(self.path / "search.json", identity, self._grows)
            self._check_results(say)
        self._write("search.json", json.dumps(identity, indent=2, sort_keys=True))
        self._write("run.json", json.dumps(dict(starts=[*starts, start]), indent=2))

    def _check_results(self, say: Callable[[str], None]) -> None:
        """Read all, and compare them with the checksums taken when they were written."""
        tries = read_history(self.times, is_try, say)
        check_written(self.path, read_numbered(self.path), tries)

    def _write(self, name: str, text: str) -> None:
        with writing(self.path / name):
            write_atomically(self.path / name, text + "\n")

    def write_config(self, text: str) -> None:
        """Keep the config that this start runs."""
        self._write("config.py", text)

    def read(self) -> list[Candidate]:
        """All results so far, by index."""
        return read_candidates(self.path)

    def append(self, record: Candidate) -> None:
        """Put one result on disk before anything else happens."""
        self.results.append(record.to_dict())

    def append_try(self, outcome: Outcome, record: Candidate | None = None) -> None:
        """Put on disk who tried a candidate when, how long it took, and what it led to."""
        line = dict(
            index=outcome.index,
            seconds=outcome.seconds,
            worker=outcome.worker,
            ended=outcome.ended,
        )
        if outcome.reason:
            line["reason"] = outcome.reason
        if record:
            line["checksum"] = record.checksum
        self.times.append(line)

    def replace(self, records: list[Candidate]) -> None:
        """Let these be all results, in this order."""
        self.results.replace(record.to_dict() for record in records)

    def write_report(self, report: dict) -> None:
        """Write the strategy's own reckoning, such as a scoreboard."""
        if report:
            self._write("strategy.json", json.dumps(report, indent=2))

    def write_answer(self, ranked: list[Candidate]) -> None:
        """Write the best architecture and the ranking of all that have metrics."""
        with writing(self.path / "arch.json"):
            ranked[0].arch.dump(self.path / "arch.json")
        keys = sorted(ranked[0].metrics)
        sheet = io.StringIO()
        writer = csv.writer(sheet)
        writer.writerow(["rank", "index", "generation", *keys, *ranked[0].cost, "arch"])
        for rank, r in enumerate(ranked, 1):
            values = [r.metrics.get(key) for key in keys]
            choices = json.dumps(r.arch.to_dict())
            writer.writerow([rank, r.index, r.generation, *values, *r.cost.values(), choices])
        with writing(self.path / "ranking.csv"):
            write_atomically(self.path / "ranking.csv", sheet.getvalue())

    def close(self) -> None:
        """Let another process search here."""
        self._lock.close()


def _lock(folder: Path) -> io.TextIOWrapper:
    """A lock that ends with this process, however it ends.

    A POSIX lock: children, such as workers of a data loader that live on for a moment, do not
    inherit it.
    """
    with writing(folder / ".lock"):
        file = (folder / ".lock").open("a+", errors="replace")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        problem = f"cannot be locked ({error.strerror}): choose another --work-dir"
        if error.errno in (errno.EACCES, errno.EAGAIN):
            problem = (
                f"is being searched by {holder}: wait for it or end it, or choose another "
                f"--work-dir"
            )
        raise SearchDirectoryError(f"{folder} {problem}") from None
    with writing(folder / ".lock"):
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}")
        file.flush()
    return file
