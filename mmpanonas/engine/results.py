"""A search's files: its identity, one line per result, the answer."""

import csv
import io
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.logging import print_log
from terminaltables import AsciiTable

from mmpanonas.errors import InputError
from mmpanonas.space import Arch, write_atomically


class SearchDirectoryError(InputError):
    """The directory belongs to another search, or would be overwritten."""


@dataclass(frozen=True)
class Record:
    """One evaluated architecture.

    Attributes:
        index: place in the order of proposals, from 0.
        arch: the architecture.
        metrics: by the evaluator's names, unrounded.
        cost: multiply-accumulates, parameters and what the search limits, by
            ``CostMeasure.key``.
        seconds: the evaluation took.
        generation: of the strategy, where it has generations.
    """

    index: int
    arch: Arch
    metrics: dict[str, float]
    cost: dict[str, float]
    seconds: float
    generation: int | None = None

    def to_line(self) -> str:
        """One line of JSON, named choices included."""
        return json.dumps(asdict(self) | dict(arch=self.arch.to_dict()))

    @classmethod
    def from_line(cls, line: str) -> "Record":
        """Inverse of :meth:`to_line`."""
        data = json.loads(line)
        return cls(**data | dict(arch=Arch.from_dict(data["arch"])))


def read_records(path: str | os.PathLike) -> tuple[list[Record], bool]:
    """The results of a file that may not exist, and whether its last line is torn (left out)."""
    lines = Path(path).read_text().splitlines(keepends=True) if Path(path).exists() else []
    torn = bool(lines) and not lines[-1].endswith("\n")
    return [Record.from_line(line) for line in lines[: len(lines) - torn]], torn


class SearchDirectory:
    """The files ``search.json`` (what is searched), ``results.jsonl``, ``strategy.json`` (for
    a strategy with a report), and at the end ``arch.json`` and ``ranking.csv``.

    Args:
        path: created if absent.
        identity: everything that the answer depends on, as plain data.
        resume: continue what lies there.

    Raises:
        SearchDirectoryError: results lie there and ``resume`` is not set, or they belong
            to a search with another identity.
    """

    def __init__(self, path: str | os.PathLike, identity: dict, resume: bool) -> None:
        self.path = Path(path)
        self.results = self.path / "results.jsonl"
        identity = json.loads(json.dumps(identity, sort_keys=True, default=str))
        record = self.path / "search.json"
        if self.results.exists() and self.results.stat().st_size:
            if not resume:
                raise SearchDirectoryError(
                    f"{self.path} holds the results of a search; continue it with --resume, "
                    f"or choose another --work-dir"
                )
            self._check_identity(record, identity)
        if is_main_process():
            self.path.mkdir(parents=True, exist_ok=True)
            write_atomically(record, json.dumps(identity, indent=2, sort_keys=True) + "\n")

    def _check_identity(self, record: Path, identity: dict) -> None:
        known = json.loads(record.read_text()) if record.exists() else {}
        other = sorted(
            key for key in known.keys() | identity.keys() if known.get(key) != identity.get(key)
        )
        if other:
            details = ", ".join(
                f"{key} ({str(known.get(key))[:60]} there, {str(identity.get(key))[:60]} here)"
                for key in other
            )
            raise SearchDirectoryError(
                f"{self.path} belongs to another search: it differs in {details}; "
                f"choose another --work-dir"
            )

    def read(self) -> list[Record]:
        """All results so far; a line torn by a crash is dropped, its candidate redone."""
        records, torn = read_records(self.results)
        if torn:
            print_log(f"{self.results}: dropping a torn last line", "current")
            if is_main_process():
                write_atomically(self.results, "".join(r.to_line() + "\n" for r in records))
        return records

    def append(self, record: Record) -> None:
        """Put one result on disk before anything else happens (main process only)."""
        if not is_main_process():
            return
        with self.results.open("a") as file:
            file.write(record.to_line() + "\n")
            file.flush()
            os.fsync(file.fileno())

    def write_report(self, report: dict) -> None:
        """Write the strategy's own reckoning, such as a scoreboard (main process only)."""
        if report and is_main_process():
            write_atomically(self.path / "strategy.json", json.dumps(report, indent=2) + "\n")

    def write_answer(self, ranked: list[Record], metric: str, rows: int) -> str:
        """Write ``arch.json`` and ``ranking.csv``; returns a table of the first ``rows``."""
        ranked[0].arch.dump(self.path / "arch.json")
        keys = sorted(ranked[0].metrics)
        header = ["rank", "index", "generation", *keys, *ranked[0].cost, "arch"]
        sheet = io.StringIO()
        writer = csv.writer(sheet)
        writer.writerow(header)
        for rank, r in enumerate(ranked, 1):
            values = [r.metrics.get(key) for key in keys]
            choices = json.dumps(r.arch.to_dict())
            writer.writerow([rank, r.index, r.generation, *values, *r.cost.values(), choices])
        write_atomically(self.path / "ranking.csv", sheet.getvalue())
        return _table(ranked[:rows], metric)


def _table(ranked: list[Record], metric: str) -> str:
    prefix = metric.rpartition("/")[0]
    keys = [
        key
        for key in ("PQ", "PQ_th", "PQ_st", "SQ", "RQ")
        if f"{prefix}/{key}" in ranked[0].metrics
    ]
    rows = [["rank", "candidate", "generation", *keys, "backbone MMACs", "MParams"]]
    for rank, r in enumerate(ranked, 1):
        values = [f"{r.metrics[f'{prefix}/{key}']:.2f}" for key in keys]
        macs, params = r.cost["backbone_macs"] / 1e6, r.cost["backbone_params"] / 1e6
        rows.append([rank, r.index, r.generation, *values, f"{macs:.1f}", f"{params:.2f}"])
    return AsciiTable([[str(cell) for cell in row] for row in rows]).table
