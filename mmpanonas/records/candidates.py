"""The result of one candidate, and how it is read back: checked, since files get damaged."""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from mmpanonas.records.jsonlines import JsonLines
from mmpanonas.space import Arch


@dataclass(frozen=True)
class Candidate:
    """The result of one candidate; two searches that are one write the same bytes.

    Attributes:
        index: place in the strategy's order of proposals, from 0.
        arch: the architecture.
        metrics: by the evaluator's names, unrounded; empty if it failed.
        cost: multiply-accumulates, parameters and what the search limits, by ``CostMeasure.key``.
        generation: of the strategy, where it has generations.
        state: "done", "failed", or "left": a race, before it had seen all pictures.
        reason: why it failed.
        pictures: of a raced search, how many the metrics are of.
        interval: where the fitness over all pictures lies (95 %), of one that has left.
    """

    index: int
    arch: Arch
    metrics: dict[str, float]
    cost: dict[str, float]
    generation: int | None = None
    state: str = "done"
    reason: str | None = None
    pictures: int | None = None
    interval: list[float] | None = None

    @property
    def failed(self) -> bool:
        """Whether it has no metrics."""
        return self.state == "failed"

    @property
    def _left(self) -> bool:
        return self.state == "left"

    def score(self, metric: str) -> float | None:
        """The value of ``metric`` over all pictures; None without such a finite number."""
        value = self.metrics.get(metric, math.nan)
        return float(value) if self.state == "done" and math.isfinite(value) else None

    @property
    def checksum(self) -> str:
        """Of everything it says; tells a line that was changed afterwards."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict:
        """As plain data, named choices included; what only some have is left out elsewhere."""
        data = asdict(self) | dict(arch=self.arch.to_dict())
        optional = {"pictures", "interval"} | (set() if self.failed else {"reason"})
        return {k: v for k, v in data.items() if v is not None or k not in optional}

    @classmethod
    def from_dict(cls, data: Mapping) -> "Candidate":
        """Inverse of :meth:`to_dict`.

        Raises:
            ValueError: it is no result; the message says what of it.
        """
        unknown = sorted(data.keys() - {f.name for f in fields(cls)})
        lacking = sorted({"index", "arch", "metrics", "cost"} - data.keys())
        if unknown:
            raise ValueError(f"has {', '.join(map(_short, unknown))}, which no result has")
        if lacking:
            raise ValueError(f"lacks {', '.join(lacking)}")
        candidate = cls(**data | dict(arch=read_arch(data["arch"])))
        candidate._check()
        return candidate

    def _check(self) -> None:
        _expect(is_count(self.index), "index", self.index, "a whole number from 0 on")
        generation = self.generation is None or is_count(self.generation)
        _expect(generation, "generation", self.generation, "a whole number from 0 on")
        for name in ("metrics", "cost"):
            values = getattr(self, name)
            _expect(is_numbers(values), name, values, "numbers by name")
        states = ("done", "failed", "left")
        _expect(self.state in states, "state", self.state, '"done", "failed" or "left"')
        pictures = is_count(self.pictures) if self._left else self.pictures is None
        pictures |= self.state == "done" and is_count(self.pictures)
        _expect(pictures, "pictures", self.pictures, "a whole number if it was raced")
        ends = isinstance(self.interval, list) and list(map(is_number, self.interval)) == [True] * 2
        ends = ends if self._left else self.interval is None
        _expect(ends, "interval", self.interval, "two numbers if it left a race, else none")
        reason = isinstance(self.reason, str) if self.failed else self.reason is None
        _expect(reason, "reason", self.reason, "a text if it failed, else none")
        _expect(self.failed != bool(self.metrics), "metrics", self.metrics, "some if it is done")


def ranked(candidates: Iterable[Candidate], metric: str) -> list[Candidate]:
    """Those that have a score, best first; of equals the one proposed earlier."""
    scored = [each for each in candidates if each.score(metric) is not None]
    return sorted(scored, key=lambda each: (-each.score(metric), each.index))


def read_arch(data: object) -> Arch:
    """The architecture of plain data. Raises ``ValueError`` if it is none."""
    if not isinstance(data, dict):
        raise ValueError(f"has arch {_short(data)}, expected choices by part")
    return Arch.from_dict(data)


def is_count(value: object) -> bool:
    """Whether it is a whole number from 0 on that a float holds as well."""
    return type(value) is int and 0 <= value < 2**53


def is_number(value: object) -> bool:
    """Whether it is a number that a float can hold."""
    if type(value) is int:
        return abs(value) < 2**1000
    return type(value) is float


def is_numbers(values: object) -> bool:
    """Whether it holds numbers by name."""
    return isinstance(values, dict) and all(map(is_number, values.values()))


def is_try(line: Mapping) -> bool:
    """Whether it is a line of ``times.jsonl``."""
    seconds = line.get("seconds")
    return (
        is_count(line.get("index"))
        and (is_number(seconds) and math.isfinite(seconds) and seconds >= 0)
        and isinstance(line.get("worker"), str)
        and all(isinstance(line.get(key, ""), str) for key in ("reason", "checksum"))
        and line.keys() <= {"index", "seconds", "worker", "ended", "reason", "checksum"}
    )


def _expect(holds: bool, key: str, value: object, expected: str) -> None:
    if not holds:
        raise ValueError(f"has {key} {_short(value)}, expected {expected}")


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_numbered(folder: str | os.PathLike) -> dict[int, Candidate]:
    """The results in a search's folder, by the number of their line.

    Raises:
        SearchDirectoryError: a whole line is no result, or two are of one candidate.
    """
    file = JsonLines(Path(folder) / "results.jsonl")
    records: dict[int, Candidate] = {}
    lines: dict[int, int] = {}
    for number, item in file.lines()[0]:
        try:
            record = Candidate.from_dict(item)
        except ValueError as error:
            raise file.error(number, str(error)) from None
        first = lines.setdefault(record.index, number)
        if first != number:
            raise file.error(number, f"holds candidate {record.index}, as line {first} does")
        records[number] = record
    return records


def check_written(
    folder: str | os.PathLike, records: Mapping[int, Candidate], tries: Iterable[Mapping]
) -> None:
    """Hold results against the checksums that were taken when they were written.

    Args:
        records: by the number of their line.
        tries: lines of ``times.jsonl``; those of older searches have no checksums.

    Raises:
        SearchDirectoryError: a line was changed since.
    """
    written: dict[int, set[str]] = {}
    for line in tries:
        if "checksum" in line:
            written.setdefault(line["index"], set()).add(line["checksum"])
    for number, record in records.items():
        if record.checksum not in written.get(record.index, {record.checksum}):
            raise JsonLines(Path(folder) / "results.jsonl").error(
                number,
                f"is not what was written of candidate {record.index} (times.jsonl keeps a "
                f"checksum)",
            )


def read_candidates(folder: str | os.PathLike) -> list[Candidate]:
    """The results in a search's folder, by index; a torn last line is left out.

    Raises:
        SearchDirectoryError: as :func:`read_numbered`.
    """
    return sorted(read_numbered(folder).values(), key=lambda record: record.index)


def describe_results(folder: str | os.PathLike) -> str:
    """What of a search in ``folder`` is safe, and how to go on."""
    number = JsonLines(Path(folder) / "results.jsonl").lines(damaged=lambda problem: None)[1].line
    if not number:
        return f"{folder} holds no result yet, so start it anew"
    return f"{number} results are safe in {folder}; go on with --resume"


def read_seconds(folder: str | os.PathLike) -> float:
    """What all evaluations of a search took together, failed ones and former starts included."""
    file = JsonLines(Path(folder) / "times.jsonl")
    lines, _ = file.lines()
    for number, item in lines:
        seconds = item.get("seconds")
        if not (is_number(seconds) and math.isfinite(seconds)):
            raise file.error(number, f"has seconds {_short(seconds)}, expected a number")
    return sum(item["seconds"] for _, item in lines)
