"""What a search directory holds, read without changing it.

Read are ``results.jsonl`` (one candidate a line), and where they lie beside it ``times.jsonl``,
``search.json`` (what is searched), ``run.json`` (versions, command lines), ``strategy.json``
(the strategy's own reckoning), ``arch.json`` and ``ranking.csv`` (the answer of a finished
search). A search that is still running, or was stopped, is read as far as it got.
"""

import csv
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mmpanonas.errors import InputError
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
        answers = [c for c in self.ranked if c.arch == self.answer]
        return next(iter(answers or self.ranked), None)

    def by_generation(self) -> dict[int, list[Candidate]]:
        """The candidates with a score, by generation in rising order (none counts as 0)."""
        groups: dict[int, list[Candidate]] = {}
        for candidate in sorted(self.ranked, key=lambda c: (c.generation or 0, c.index)):
            groups.setdefault(candidate.generation or 0, []).append(candidate)
        return groups


def read_search(folder: str | os.PathLike) -> SearchData:
    """All files of a search directory.

    Raises:
        InputError: not a search directory, no result yet, or a file that is damaged
            elsewhere than in a last line without its end.
    """
    folder = Path(folder)
    if not (folder / "results.jsonl").is_file():
        found = "holds no results.jsonl" if folder.is_dir() else "is not a directory"
        raise InputError(f"{folder} {found}: give the work dir of a search")
    times, cut_times = _read_lines(folder / "times.jsonl")
    candidates, cut_results = read_results(folder / "results.jsonl", _by_index(times))
    remarks = [
        f"The last line of {name} is incomplete and left out; "
        f"a search that goes on with --resume redoes its candidate."
        for name, cut in (("results.jsonl", cut_results), ("times.jsonl", cut_times))
        if cut
    ]
    if not (folder / "search.json").exists():
        remarks.append("search.json is missing: what was searched, and how, is unknown.")
    return SearchData(
        folder,
        tuple(candidates),
        _read_object(folder / "search.json"),
        _read_object(folder / "run.json"),
        _read_object(folder / "strategy.json"),
        _read_answer(folder, candidates),
        tuple(remarks),
    )


def read_results(
    path: str | os.PathLike, tries: Mapping[int, list[Mapping]] | None = None
) -> tuple[list[Candidate], bool]:
    """The candidates of a ``results.jsonl`` by index, and whether its last line is cut off.

    A candidate that comes twice counts as its last line says. ``tries`` holds by index what
    ``times.jsonl`` says of each try (``seconds``, ``worker``), the last one of which counts.

    Raises:
        InputError: no file, no whole line, a line that is no result, or architectures of
            different spaces; the message names the line.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist: give the results.jsonl of a search")
    lines, cut = _read_lines(path)
    if not lines:
        raise InputError(f"{path} holds no result yet: wait until a candidate is evaluated")
    candidates: dict[int, Candidate] = {}
    for number, line in lines:
        try:
            candidate = _candidate(line, (tries or {}).get(line.get("index"), []))
        except (KeyError, TypeError, ValueError) as error:
            what = f"lacks {error}" if isinstance(error, KeyError) else error
            raise InputError(
                f"{path}, line {number}: expected a result of a search, got one that is not "
                f"({what}); take that line out"
            ) from None
        candidates[candidate.index] = candidate
        first = next(iter(candidates.values()))
        if _layers(candidate.arch) != _layers(first.arch):
            raise InputError(
                f"{path}, line {number}: the architecture has other parts or layers than that "
                f"of candidate {first.index}; keep the results of each search in its own file"
            )
    return sorted(candidates.values(), key=lambda c: c.index), cut


def _candidate(line: Mapping, tries: list[Mapping]) -> Candidate:
    last = tries[-1] if tries else {}
    return Candidate(
        index=int(line["index"]),
        arch=Arch.from_dict(line["arch"]),
        metrics=_finite(line["metrics"] or {}),
        cost=_finite(line["cost"] or {}),
        generation=line.get("generation"),
        state=line.get("state", "done"),
        reason=line.get("reason") or "",
        tries=max(1, len(tries)),
        seconds=last.get("seconds"),
        worker=last.get("worker"),
    )


def _finite(values: Mapping[str, float | None]) -> dict[str, float]:
    """Without what is missing, infinite or not a number."""
    numbers = {name: float(value) for name, value in dict(values).items() if value is not None}
    return {name: number for name, number in numbers.items() if math.isfinite(number)}


def _layers(arch: Arch) -> dict[str, int]:
    return {part: len(choices) for part, choices in arch.to_dict().items()}


def _read_lines(path: Path) -> tuple[list[tuple[int, dict]], bool]:
    """Number and object of every line that ends, and whether the last one does not."""
    lines = path.read_text(errors="replace").splitlines(keepends=True) if path.exists() else []
    cut = bool(lines) and not lines[-1].endswith("\n")
    whole = enumerate(lines[: len(lines) - cut], 1)
    return [(number, _parse(line, f"{path}, line {number}")) for number, line in whole], cut


def _by_index(lines: list[tuple[int, dict]]) -> dict[int, list[dict]]:
    tries: dict[int, list[dict]] = {}
    for _, line in lines:
        tries.setdefault(line.get("index"), []).append(line)
    return tries


def _read_object(path: Path) -> dict:
    return _parse(path.read_text(errors="replace"), str(path)) if path.exists() else {}


def _parse(text: str, place: str) -> dict:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InputError(f"{place}: not JSON ({error}); mend the file or remove it") from None
    if not isinstance(data, dict):
        raise InputError(f"{place}: expected a JSON object, got {str(data)[:60]!r}")
    return data


def _read_answer(folder: Path, candidates: list[Candidate]) -> Arch | None:
    """The answer, unless candidates came after it: then the search has gone on since."""
    ranking = folder / "ranking.csv"
    if not (folder / "arch.json").exists() or not ranking.exists():
        return None
    with ranking.open(newline="") as file:
        rows = {row.get("index") for row in csv.DictReader(file)}
    if any(str(c.index) not in rows for c in candidates if not c.failed):
        return None
    return Arch.load(folder / "arch.json")
