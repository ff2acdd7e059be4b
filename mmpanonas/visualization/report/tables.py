"""The tables of a search report: facts, candidates, failures, where it all came from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mmpanonas.records.search_data import Candidate, SearchData
from mmpanonas.space import PARTS, Arch, operations_of
from mmpanonas.visualization.report.numbers import (
    cost_title,
    digits_of,
    duration,
    score_title,
    unit_of,
)
from mmpanonas.visualization.report.page import MISSING, Fact

#: The scores of a candidate, in the order of the table's columns.
SCORES = ("PQ", "PQ_th", "PQ_st", "SQ", "RQ")
#: Keys of ``search.json`` that are long: they are folded away.
_FOLDED = ("model", "validation", "recalibration", "dataset")


def facts(data: SearchData) -> list[Fact]:
    """What one wants to know first."""
    tiles = [Fact(f"{len(data.candidates)}", "candidates")]
    if data.winner is not None:
        score, number = data.winner.score(data.metric), data.winner.index
        name = f"{'best' if data.answer else 'best so far'}: candidate {number}"
        title = f"{score_title(data.metric)}, "
        tiles.insert(0, Fact(f"{score:.{digits_of([score])}f}", title, f"c{number}", name))
    if data.failed:
        tiles.append(Fact(f"{len(data.failed)}", "", "failures", "failed"))
    if raced := [c for c in data.candidates if c.pictures is not None]:
        seen, most = sum(c.pictures for c in raced), max(c.pictures for c in raced) * len(raced)
        tiles.append(Fact(f"{100 * seen / most:.0f} %", "of their pictures seen (race)"))
    generations = {c.generation for c in data.candidates} - {None}
    if len(generations) > 1:
        tiles.append(Fact(f"{len(generations)}", "generations"))
    known = [data.tries[c.index][-1] for c in data.candidates if c.index in data.tries]
    if known:
        tiles.append(Fact(duration(sum(last["seconds"] for last in known)), "of evaluation"))
    if workers := {last["worker"] for last in known}:
        tiles.append(Fact(f"{len(workers)}", "workers"))
    return tiles


@dataclass(frozen=True)
class _Column:
    """One column of the candidates: its head, and a number (or None) for each candidate.

    ``counts`` are written as they are, other numbers rounded and in a fitting unit.
    """

    title: str
    value: Callable[[Candidate], float | None]
    first: str = "ascending"  # order of the first click
    counts: bool = False

    def texts(self, candidates: Iterable[Candidate]) -> tuple[str, list[tuple[str, str]]]:
        """Head with unit; exact value ("" when missing) and rounded one of each candidate."""
        values = [self.value(candidate) for candidate in candidates]
        known = [value for value in values if value is not None]
        scale, prefix = (1.0, "") if self.counts else unit_of(known)
        digits = 0 if self.counts else digits_of(value / scale for value in known)
        head = f"{self.title} ({prefix})" if prefix else self.title
        return head, [
            ("", MISSING) if value is None else (f"{value:.12g}", f"{value / scale:.{digits}f}")
            for value in values
        ]


def winner(data: SearchData) -> list[tuple[str, str]]:
    """Scores and costs of the winner, each with its head."""
    pairs = [column.texts([data.winner]) for column in _columns(data)]
    return [(head, text) for head, [(_, text)] in pairs]


def candidates(data: SearchData) -> dict:
    """Every candidate in a row, the best first, the failed last; the page's script sorts it."""
    members = data.ranked + [c for c in data.candidates if c.score(data.metric) is None]
    heads, columns = [], []
    for column in _columns(data):
        title, texts = column.texts(members)
        ranks = column.title == score_title(data.metric)
        heads.append(dict(title=title, first=column.first, ranks=ranks))
        columns.append(texts)
    rows = [
        dict(index=c.index, codes=_codes(c.arch), state=c.state, remark=_state(c), numbers=numbers)
        for c, *numbers in zip(members, *columns, strict=True)
    ]
    return dict(heads=heads, rows=rows)


def _columns(data: SearchData) -> list[_Column]:
    columns = [_Column("candidate", lambda c: c.index, counts=True)]
    if any(c.generation is not None for c in data.candidates):
        columns.append(_Column("generation", lambda c: c.generation, counts=True))
    prefix = data.metric.rpartition("/")[0]
    names = [f"{prefix}/{name}" if prefix else name for name in SCORES]
    known = {name for c in data.candidates for name in c.metrics}
    columns += [
        _Column(score_title(name), lambda c, name=name: c.score(name), "descending")
        for name in dict.fromkeys([data.metric, *names])
        if name in known
    ]
    columns += [
        _Column(cost_title(name), lambda c, name=name: c.cost.get(name))
        for name in dict.fromkeys(name for c in data.candidates for name in c.cost)
    ]
    if any(c.pictures is not None for c in data.candidates):
        columns.append(_Column("pictures", lambda c: c.pictures, counts=True))
    if any(c.index in data.seconds for c in data.candidates):
        columns.append(_Column("seconds", lambda c: data.seconds.get(c.index)))
    return columns


def _state(candidate: Candidate) -> str:
    if candidate.interval:
        low, high = candidate.interval
        return f"left the race: {low:.2f} to {high:.2f} (95 %)"
    return f"{candidate.state}: {_reason(candidate)}" if candidate.failed else candidate.state


def _reason(candidate: Candidate) -> str:
    return candidate.reason or "no reason recorded"


#: One for each operation of a part; the page reads them to base 36.
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _codes(arch: Arch) -> str:
    """The choices as digits, a space between the parts; the page's legend names them."""
    return " ".join(
        "".join(_DIGITS[operations_of(part).index(choice)] for choice in getattr(arch, part))
        for part in PARTS
    )


def failures(data: SearchData) -> dict:
    """Every failed candidate and why, reasons that agree together, the commonest first."""
    reasons: dict[str, list[int]] = {}
    for candidate in data.failed:
        reasons.setdefault(_reason(candidate), []).append(candidate.index)
    rows = [
        dict(text=text, indices=found, tries=max(len(data.tries.get(i, [0])) for i in found))
        for text, found in sorted(reasons.items(), key=lambda item: -len(item[1]))
    ]
    return dict(reasons=rows)


def provenance(data: SearchData) -> dict[str, Mapping]:
    """Versions and command lines (``run.json``), then what was searched (``search.json``)."""
    settings = {key: value for key, value in data.identity.items() if key not in _FOLDED}
    folded = {key: data.identity[key] for key in _FOLDED if key in data.identity}
    return dict(run=data.run, settings=settings, folded=folded)
