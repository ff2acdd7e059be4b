"""A search's files: what is searched, each result, the strategy's reckoning, the answer."""

import csv
import errno
import fcntl
import io
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

from mmpanonas.execution.attempt import Outcome
from mmpanonas.execution.jsonlines import JsonLines, SearchDirectoryError
from mmpanonas.space import Arch, write_atomically


@dataclass(frozen=True)
class Record:
    """The result of one candidate; two searches that are one write the same bytes.

    Attributes:
        index: place in the strategy's order of proposals, from 0.
        arch: the architecture.
        metrics: by the evaluator's names, unrounded; empty if it failed.
        cost: multiply-accumulates, parameters and what the search limits, by ``CostMeasure.key``.
        generation: of the strategy, where it has generations.
        state: "done" or "failed".
        reason: why it failed.
    """

    index: int
    arch: Arch
    metrics: dict[str, float]
    cost: dict[str, float]
    generation: int | None = None
    state: str = "done"
    reason: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it has no metrics."""
        return self.state == "failed"

    def to_dict(self) -> dict:
        """As plain data, named choices included; ``reason`` of a failed one alone."""
        data = asdict(self) | dict(arch=self.arch.to_dict())
        return data if self.failed else {k: v for k, v in data.items() if k != "reason"}

    @classmethod
    def from_dict(cls, data: dict) -> "Record":
        """Inverse of :meth:`to_dict`."""
        return cls(**data | dict(arch=Arch.from_dict(data["arch"])))


def read_records(folder: str | os.PathLike) -> list[Record]:
    """The results in a search's folder, by index; a torn last line is left out."""
    lines = JsonLines(Path(folder) / "results.jsonl").read()
    return sorted(map(Record.from_dict, lines), key=lambda record: record.index)


def read_seconds(folder: str | os.PathLike) -> float:
    """What all evaluations of a search took together, failed ones and former starts included."""
    return sum(line["seconds"] for line in JsonLines(Path(folder) / "times.jsonl").read())


class SearchDirectory:
    """The files of one search, written by one process at a time.

    ``search.json`` (identity), ``run.json`` (each start: versions, command, host),
    ``results.jsonl`` and ``times.jsonl`` (a line per result, and per try),
    ``attempts.jsonl`` (see :class:`~mmpanonas.execution.attempts.Attempts`), ``strategy.json``,
    and at the end ``arch.json`` and ``ranking.csv``.

    Args:
        path: created if absent.
        identity: everything that the answer depends on, as plain data.
        resume: go on with what lies there.
        start: what to note of this start in ``run.json``, as plain data. With the ``launch``
            of the last start, which a launcher has started again, the search goes on.

    Raises:
        SearchDirectoryError: another process searches there; or results lie there, and
            ``resume`` is not set or they belong to a search with another identity.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        identity: dict,
        resume: bool = False,
        start: dict | None = None,
    ) -> None:
        self.path = Path(path)
        self.results = JsonLines(self.path / "results.jsonl")
        self.times = JsonLines(self.path / "times.jsonl")
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.path)
        starts = self._starts()
        launch = (start or {}).get("launch")
        again = bool(launch and starts and starts[-1].get("launch") == launch)
        identity = json.loads(json.dumps(identity, sort_keys=True, default=str))
        if self.results.read():
            if not (resume or again):
                raise SearchDirectoryError(
                    f"{self.path} holds the results of a search; continue it with --resume, "
                    f"or choose another --work-dir"
                )
            self._check_identity(identity)
        self._write("search.json", json.dumps(identity, indent=2, sort_keys=True))
        self._write("run.json", json.dumps(dict(starts=[*starts, start or {}]), indent=2))

    def _starts(self) -> list[dict]:
        file = self.path / "run.json"
        return json.loads(file.read_text())["starts"] if file.exists() else []

    def _check_identity(self, identity: dict) -> None:
        check_identity(self.path / "search.json", identity)

    def _write(self, name: str, text: str) -> None:
        write_atomically(self.path / name, text + "\n")

    def write_config(self, text: str) -> None:
        """Keep the config that this start runs."""
        self._write("config.py", text)

    def read(self) -> list[Record]:
        """All results so far, by index."""
        return read_records(self.path)

    def append(self, record: Record) -> None:
        """Put one result on disk before anything else happens."""
        self.results.append(record.to_dict())

    def append_try(self, outcome: Outcome) -> None:
        """Put on disk who tried a candidate when, and how long it took."""
        line = dict(
            index=outcome.index,
            seconds=outcome.seconds,
            worker=outcome.worker,
            ended=outcome.ended,
        )
        self.times.append(line | (dict(reason=outcome.reason) if outcome.reason else {}))

    def replace(self, records: list[Record]) -> None:
        """Let these be all results, in this order."""
        self.results.replace(record.to_dict() for record in records)

    def write_report(self, report: dict) -> None:
        """Write the strategy's own reckoning, such as a scoreboard."""
        if report:
            self._write("strategy.json", json.dumps(report, indent=2))

    def write_answer(self, ranked: list[Record]) -> None:
        """Write the best architecture and the ranking of all that have metrics."""
        ranked[0].arch.dump(self.path / "arch.json")
        keys = sorted(ranked[0].metrics)
        sheet = io.StringIO()
        writer = csv.writer(sheet)
        writer.writerow(["rank", "index", "generation", *keys, *ranked[0].cost, "arch"])
        for rank, r in enumerate(ranked, 1):
            values = [r.metrics.get(key) for key in keys]
            choices = json.dumps(r.arch.to_dict())
            writer.writerow([rank, r.index, r.generation, *values, *r.cost.values(), choices])
        write_atomically(self.path / "ranking.csv", sheet.getvalue())

    def close(self) -> None:
        """Let another process search here."""
        self._lock.close()


def check_identity(file: Path, identity: dict) -> None:
    """Raise ``SearchDirectoryError`` that says where ``identity`` differs from that in a file.

    The file's stem says whose it is; an absent one has no key.
    """
    known = json.loads(file.read_text()) if file.exists() else {}
    other = sorted(
        key for key in known.keys() | identity.keys() if known.get(key) != identity.get(key)
    )
    if other:
        details = ", ".join(
            f"{key} ({str(known.get(key))[:60]} there, {str(identity.get(key))[:60]} here)"
            for key in other
        )
        raise SearchDirectoryError(
            f"{file.parent} belongs to another {file.stem}: it differs in {details}; "
            f"choose another --work-dir"
        )


def _lock(folder: Path) -> io.TextIOWrapper:
    """A lock that ends with this process, however it ends.

    A POSIX lock: children, such as workers of a data loader that live on for a moment, do not
    inherit it.
    """
    file = (folder / ".lock").open("a+")
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
    file.truncate(0)
    file.write(f"process {os.getpid()} on {platform.node()}")
    file.flush()
    return file
