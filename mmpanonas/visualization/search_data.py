"""What a search directory holds, read without changing it.

Read are ``results.jsonl`` (one candidate a line), and where they lie beside it ``times.jsonl``,
``search.json`` (what is searched), ``run.json`` (versions, command lines), ``strategy.json``
(the strategy's own reckoning), ``arch.json`` and ``ranking.csv`` (the answer of a finished
search). A search that is still running, or was stopped, is read as far as it got.
"""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from mmpanonas.errors import InputError
from mmpanonas.records import (
    Record,
    read_identity,
    read_numbered,
    read_object,
    read_report,
    read_tries,
)
from mmpanonas.space import Arch

DEFAULT_METRIC = "coco_panoptic/PQ"


@dataclass(frozen=True)
class Candidate:
    """One architecture that a search evaluated, or failed to.

    Attributes:
        index: place in the order of proposals, from 0.
        metrics: by the evaluator's names, finite ones alone; empty when failed.
        cost: by name, such as ``backbone_macs``; finite ones alone.
        generation: of the strategy, where it has generations.
        state: "done" or "failed".
        reason: of a failure.
        tries: how often it was tried.
        seconds, worker: how long the last try took and who did it, where that is known.
    """

    index: int
    arch: Arch
    metrics: Mapping[str, float] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    generation: int | None = None
    state: str = "done"
    reason: str = ""
    tries: int = 1
    seconds: float | None = None
    worker: str | int | None = None

    @property
    def failed(self) -> bool:
        """Whether the evaluation came to nothing."""
        return self.state == "failed"

    def score(self, metric: str) -> float | None:
        """The value of ``metric``; None when failed or missing."""
        return None if self.failed else self.metrics.get(metric)


@dataclass(frozen=True)
class SearchData:
    """Everything that the files of a search say.

    Attributes:
        candidates: by index.
        identity, run, strategy: ``search.json``, ``run.json``, ``strategy.json``; empty
            where there is none.
        answer: the architecture of ``arch.json``, once the search has ended.
        remarks: what the reader should know about the files.
    """

    folder: Path
    candidates: tuple[Candidate, ...]
    identity: Mapping = field(default_factory=dict)
    run: Mapping = field(default_factory=dict)
    strategy: Mapping = field(default_factory=dict)
    answer: Arch | None = None
    remarks: tuple[str, ...] = ()

    @property
    def metric(self) -> str:
        """The fitness, one of the keys of the candidates' metrics."""
        return self.identity.get("metric", DEFAULT_METRIC)

    @cached_property
    def ranked(self) -> list[Candidate]:
        """The candidates with a score, best first; among equals the earlier one."""
        scored = [c for c in self.candidates if c.score(self.metric) is not None]
        return sorted(scored, key=lambda c: (-c.score(self.metric), c.index))

    @property
    def failed(self) -> list[Candidate]:
        """The candidates whose evaluation failed, by index."""
        return [c for c in self.candidates if c.failed]

    @property
    def winner(self) -> Candidate | None:
        """The candidate of the answer; the best so far while there is none."""
        return next(iter(self.ranked), None)

    def by_generation(self) -> dict[int, list[Candidate]]:
        """The candidates with a score, by generation in rising order (none counts as 0)."""
        groups: dict[int, list[Candidate]] = {}
        for candidate in sorted(self.ranked, key=lambda c: (c.generation or 0, c.index)):
            groups.setdefault(candidate.generation or 0, []).append(candidate)
        return groups


def read_search(folder: str | os.PathLike) -> SearchData:
    """All files of a search directory; of those that decide nothing what is damaged is left out.

    Raises:
        InputError: not a search directory, no result yet, or results or ``search.json`` are
            damaged elsewhere than in a last line without its end; or architectures are of
            different spaces. The message names the line.
    """
    folder = Path(folder)
    results = folder / "results.jsonl"
    if not results.is_file():
        found = "holds no results.jsonl" if folder.is_dir() else "is not a directory"
        raise InputError(f"{folder} {found}: give the work dir of a search")
    tries, remarks = read_tries(folder)
    candidates = _candidates(results, tries)
    identity = read_identity(folder)
    report, damaged = read_report(folder)
    run, lost = read_object(folder / "run.json")
    remarks += _torn(folder)
    if not (folder / "search.json").exists():
        remarks.append("search.json is missing: what was searched, and how, is unknown.")
    if lost and lost != "is missing":
        remarks.append(f"run.json {lost}: versions and command lines are left out.")
    if damaged:
        remarks.append(f"strategy.json {damaged}: it is left out.")
    data = SearchData(folder, tuple(candidates), identity, run, report)
    answer, doubt = _read_answer(data)
    return replace(data, answer=answer, remarks=(*remarks, *doubt))


def _candidates(path: Path, tries: Sequence[Mapping]) -> list[Candidate]:
    """By index; of several tries the last one says seconds and worker."""
    of_each: dict[int, list[Mapping]] = {}
    for each in tries:
        of_each.setdefault(each["index"], []).append(each)
    records = read_numbered(path.parent)
    if not records:
        raise InputError(f"{path} holds no result yet: wait until a candidate is evaluated")
    first = next(iter(records.values()))
    for number, record in records.items():
        if _layers(record.arch) != _layers(first.arch):
            raise InputError(
                f"{path}, line {number}: the architecture has other parts or layers than that "
                f"of candidate {first.index}; keep the results of each search in its own file"
            )
    found = [_candidate(record, of_each.get(record.index, ())) for record in records.values()]
    return sorted(found, key=lambda candidate: candidate.index)


def _candidate(record: Record, tries: Sequence[Mapping]) -> Candidate:
    last = tries[-1] if tries else {}
    return Candidate(
        index=record.index,
        arch=record.arch,
        metrics=_finite(record.metrics),
        cost=_finite(record.cost),
        generation=record.generation,
        state=record.state,
        reason=record.reason or "",
        tries=max(1, len(tries)),
        seconds=last.get("seconds"),
        worker=last.get("worker"),
    )


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    """Without what is infinite or not a number."""
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def _layers(arch: Arch) -> dict[str, int]:
    return {part: len(choices) for part, choices in arch.to_dict().items()}


def _torn(folder: Path) -> list[str]:
    """A remark on each file whose last line has no end."""
    cut = []
    for name in ("results.jsonl", "times.jsonl"):
        path = folder / name
        if path.is_file() and path.read_bytes()[-1:] not in (b"", b"\n"):
            cut.append(name)
    return [
        f"The last line of {name} is incomplete and left out; "
        f"a search that goes on with --resume redoes its candidate."
        for name in cut
    ]


def _read_answer(data: SearchData) -> tuple[Arch | None, list[str]]:
    """The answer, and a remark where it is damaged or that of other results.

    Where candidates came after it there is none: the search has gone on since.
    """
    path, ranking = data.folder / "arch.json", data.folder / "ranking.csv"
    if not path.exists() or not ranking.exists():
        return None, []
    try:
        answer = Arch.load(path)
        with ranking.open(newline="", encoding="utf-8-sig") as file:
            rows = {row.get("index") for row in csv.DictReader(file)}
    except (OSError, ValueError, csv.Error) as error:
        return None, [f"The answer cannot be read ({error}): search.py --resume writes it again."]
    if any(str(c.index) not in rows for c in data.candidates if not c.failed):
        return None, []
    if data.ranked and answer != data.ranked[0].arch:
        return None, [
            "arch.json is not the best of results.jsonl: search.py --resume writes it again."
        ]
    return answer, []
