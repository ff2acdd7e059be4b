"""The tables of a search report as HTML: facts, candidates, failures, where it all came from."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape

from mmpanonas.records.search_data import Candidate, SearchData
from mmpanonas.space import PARTS, Arch, operations_of
from mmpanonas.visualization.report.numbers import (
    cost_title,
    digits_of,
    duration,
    score_title,
    unit_of,
)

#: The scores of a candidate, in the order of the table's columns.
SCORES = ("PQ", "PQ_th", "PQ_st", "SQ", "RQ")
#: Keys of ``search.json`` that are long: they are folded away.
_FOLDED = ("model", "validation", "recalibration", "dataset")
MISSING = "\N{EN DASH}"


def facts(data: SearchData) -> str:
    """What one wants to know first, as a row of tiles."""
    tiles = {"candidates": f"{len(data.candidates)}"}
    if data.winner is not None:
        score = data.winner.score(data.metric)
        text = f"{score:.{digits_of([score])}f}"
        name = f"{'best' if data.answer else 'best so far'}: candidate {data.winner.index}"
        link = f'<a href="#c{data.winner.index}">{name}</a>'
        tiles = {f"{escape(score_title(data.metric))}, {link}": text} | tiles
    if data.failed:
        tiles['<a href="#failures">failed</a>'] = f"{len(data.failed)}"
    generations = {c.generation for c in data.candidates} - {None}
    if len(generations) > 1:
        tiles["generations"] = f"{len(generations)}"
    known = [data.tries[c.index][-1] for c in data.candidates if c.index in data.tries]
    if known:
        tiles["of evaluation"] = duration(sum(last["seconds"] for last in known))
    if workers := {last["worker"] for last in known}:
        tiles["workers"] = f"{len(workers)}"
    return "".join(f"<div><dd>{value}</dd><dt>{name}</dt></div>" for name, value in tiles.items())


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


def winner(data: SearchData) -> str:
    """Scores and costs of the winner in a line."""
    if data.winner is None:
        return ""
    pairs = [column.texts([data.winner]) for column in _columns(data)]
    items = (f"<div><dt>{escape(head)}</dt><dd>{text}</dd></div>" for head, [(_, text)] in pairs)
    return f'<dl class="values">{"".join(items)}</dl>'


def candidates_table(data: SearchData) -> str:
    """Every candidate in a row, the best first, the failed last; the page's script sorts it."""
    rows = data.ranked + [c for c in data.candidates if c.score(data.metric) is None]
    heads, cells = [], []
    for column in _columns(data):
        title, texts = column.texts(rows)
        ranks = column.title == score_title(data.metric)
        heads.append(_head(title, column.first, ' aria-sort="descending"' if ranks else ""))
        cells.append([f'<td data-value="{exact}">{text}</td>' for exact, text in texts])
    heads.append(_head("state", "ascending", " data-text"))
    body = "".join(
        f'<tr id="c{c.index}" data-arch="{_codes(c.arch)}" class="{escape(c.state)}">'
        f"{''.join(row)}{_state(c)}</tr>"
        for c, *row in zip(rows, *cells, strict=True)
    )
    return (
        f"<p>A click on a head sorts, one on a candidate shows its architecture. MACs of the "
        f"backbone are for 224 x 224 pixels, those of the network for 800 x 1333.</p>"
        f'<div class="scroll"><table id="table"><thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _head(title: str, first: str, attributes: str) -> str:
    """A head that sorts; ``first`` is the order of the first click."""
    button = f'<button type="button">{escape(title)}</button>'
    return f'<th scope="col" data-first="{first}"{attributes}>{button}</th>'


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
    if any(c.index in data.seconds for c in data.candidates):
        columns.append(_Column("seconds", lambda c: data.seconds.get(c.index)))
    return columns


def _state(candidate: Candidate) -> str:
    text = candidate.state
    if candidate.failed:
        text += f": {candidate.reason or 'no reason recorded'}"
    return f'<td class="state" title="{escape(text)}">{escape(text)}</td>'


#: One for each operation of a part; the page reads them to base 36.
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _codes(arch: Arch) -> str:
    """The choices as digits, a space between the parts; the page's legend names them."""
    return " ".join(
        "".join(_DIGITS[operations_of(part).index(choice)] for choice in getattr(arch, part))
        for part in PARTS
    )


def failures(data: SearchData) -> str:
    """Every failed candidate and why, reasons that agree together."""
    reasons: dict[str, list[Candidate]] = {}
    for candidate in data.failed:
        reasons.setdefault(candidate.reason or "no reason recorded", []).append(candidate)
    rows = "".join(
        f"<tr><td>{escape(reason)}</td><td>{len(members)}</td>"
        f"<td>{max(len(data.tries.get(c.index, [0])) for c in members)}</td>"
        f"<td>{', '.join(map(_link, members))}</td></tr>"
        for reason, members in sorted(reasons.items(), key=lambda item: -len(item[1]))
    )
    if not rows:
        return "<p>No evaluation failed.</p>"
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("reason", "count", "tries", "candidates")
    )
    return f'<table class="plain"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _link(candidate: Candidate) -> str:
    return f'<a href="#c{candidate.index}">{candidate.index}</a>'


def provenance(data: SearchData) -> str:
    """Versions and command lines (``run.json``), then what was searched (``search.json``)."""
    run = _pairs(data.run) or '<p class="remark">Versions and command line: not recorded.</p>'
    short = {key: value for key, value in data.identity.items() if key not in _FOLDED}
    long = "".join(
        f"<details><summary>{key}</summary><pre>{escape(_json(data.identity[key]))}</pre></details>"
        for key in _FOLDED
        if key in data.identity
    )
    return f"<h3>Run</h3>{run}<h3>Settings</h3>{_pairs(short)}{long}"


def _pairs(values: Mapping) -> str:
    """Names and values; objects nest, lists of text or of objects are one below the other."""
    rows = "".join(
        f'<tr><th scope="row">{escape(str(name).replace("_", " "))}</th>'
        f"<td>{_value(value)}</td></tr>"
        for name, value in values.items()
    )
    return rows and f'<table class="pairs"><tbody>{rows}</tbody></table>'


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return _pairs(value) or MISSING
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        return "".join(map(_pairs, value))
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "<br>".join(f"<code>{escape(item)}</code>" for item in value) or MISSING
    return escape(value) if isinstance(value, str) else escape(_json(value, indent=None))


def _json(value: object, indent: int | None = 2) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False)
