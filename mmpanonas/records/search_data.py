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
from mmpanonas.records.candidates import Candidate, check_written, ranked, read_numbered
from mmpanonas.records.reading import read_identity, read_object, read_report, read_tries
from mmpanonas.space import Arch

DEFAULT_METRIC = "coco_panoptic/PQ"


@dataclass(frozen=True)
class SearchData:
    """Everything that the files of a search say.

    Attributes:
        candidates: by index, with what is finite of their metrics and costs.
        tries: the lines of ``times.jsonl`` by candidate: who tried it, and how long.
        identity, run, strategy: ``search.json``, ``run.json``, ``strategy.json``; empty
            where there is none.
        answer: the architecture of ``arch.json``, once the search has ended.
        remarks: what the reader should know about the files.
    """

    folder: Path
    candidates: tuple[Candidate, ...]
    tries: Mapping[int, Sequence[Mapping]] = field(default_factory=dict)
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
        return ranked(self.candidates, self.metric)

    @property
    def failed(self) -> list[Candidate]:
        """The candidates whose evaluation failed, by index."""
        return [c for c in self.candidates if c.failed]

    @property
    def winner(self) -> Candidate | None:
        """The candidate of the answer; the best so far while there is none."""
        return next(iter(self.ranked), None)

    @cached_property
    def seconds(self) -> dict[int, float]:
        """How long each candidate's last try took, where that is known."""
        return {index: tries[-1]["seconds"] for index, tries in self.tries.items()}

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
            damaged elsewhere than in a last line without its end, or changed since they were
            written; or architectures are of different spaces. The message names the line.
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
    data = SearchData(folder, tuple(candidates), _by_candidate(tries), identity, run, report)
    answer, doubt = _read_answer(data)
    return replace(data, answer=answer, remarks=(*remarks, *doubt))


def _candidates(path: Path, tries: Sequence[Mapping]) -> list[Candidate]:
    """By index, as they were written, finite numbers alone."""
    candidates = read_numbered(path.parent)
    check_written(path.parent, candidates, tries)
    if not candidates:
        raise InputError(f"{path} holds no result yet: wait until a candidate is evaluated")
    first = next(iter(candidates.values()))
    for number, candidate in candidates.items():
        if _layers(candidate.arch) != _layers(first.arch):
            raise InputError(
                f"{path}, line {number}: the architecture has other parts or layers than that "
                f"of candidate {first.index}; keep the results of each search in its own file"
            )
    finite = [
        replace(each, metrics=_finite(each.metrics), cost=_finite(each.cost))
        for each in candidates.values()
    ]
    return sorted(finite, key=lambda candidate: candidate.index)


def _by_candidate(tries: Sequence[Mapping]) -> dict[int, list[Mapping]]:
    found: dict[int, list[Mapping]] = {}
    for each in tries:
        found.setdefault(each["index"], []).append(each)
    return found


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
    if any(str(c.index) not in rows for c in data.candidates if c.state == "done"):
        return None, []
    if data.ranked and answer != data.ranked[0].arch:
        return None, [
            "arch.json is not the best of results.jsonl: search.py --resume writes it again."
        ]
    return answer, []
