"""A search as one HTML page that needs nothing besides itself.

The page's frame, look and behaviour are ``report.html``, ``report.css`` and ``report.js``.
"""

import json
import os
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from mmpanonas.space import PART_CHOICES, NetworkShape, write_atomically
from mmpanonas.visualization import report_pictures as pictures
from mmpanonas.visualization import report_tables as tables
from mmpanonas.visualization.arch_boxes import COLOURS, choice_label
from mmpanonas.visualization.population import part_title
from mmpanonas.visualization.search_data import SearchData


@dataclass(frozen=True)
class _Section:
    name: str
    title: str
    html: str


def write_report(
    data: SearchData, path: str | os.PathLike, shape: NetworkShape | None = None
) -> None:
    """Write the page about a search; the folder is made when it is missing.

    ``shape`` gives the network's widths where ``search.json`` does not.

    Raises:
        OSError: the file cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, render(data, shape))


def render(data: SearchData, shape: NetworkShape | None = None) -> str:
    """The page's text; sections that the search has nothing for are left out."""
    sections = [
        _Section("winner", "Best architecture", tables.winner(data) + pictures.winner(data, shape)),
        _Section("progress", "Progress", pictures.progress(data)),
        _Section("population", "Population over time", pictures.population(data)),
        _Section("scoreboards", "Scoreboard", pictures.scoreboards(data)),
        _Section("choices", "Choices per layer", pictures.choices(data)),
        _Section("front", "Score and cost", pictures.front(data)),
        _Section("candidates", "Candidates", tables.candidates_table(data)),
        _Section("failures", "Failures", tables.failures(data)),
        _Section("provenance", "Versions and settings", tables.provenance(data)),
    ]
    sections = [section for section in sections if section.html]
    strategy = data.identity.get("strategy", {})
    return Template(_part("html")).substitute(
        title=escape(data.folder.resolve().name),
        kind=escape(str(strategy.get("type", "")) or "Search"),
        status="finished" if data.answer else "not finished",
        remarks="".join(f'<p class="remark">{escape(remark)}</p>' for remark in _remarks(data)),
        facts=tables.facts(data),
        contents="".join(f'<a href="#{s.name}">{s.title}</a>' for s in sections),
        sections="".join(
            f'<section id="{s.name}"><h2>{s.title}</h2>{s.html}</section>' for s in sections
        ),
        legend=_legend(),
        style=_part("css"),
        script=_part("js"),
    )


def _part(suffix: str) -> str:
    return (resources.files(__package__) / f"report.{suffix}").read_text()


def _remarks(data: SearchData) -> list[str]:
    remarks = list(data.remarks)
    if not data.answer:
        remarks.insert(
            0,
            f"This search has not ended: it still runs, or was stopped. Shown are its first "
            f"{len(data.candidates)} candidates.",
        )
    if not data.ranked:
        remarks.append(f"No candidate has a score ({data.metric}).")
    return remarks


def _legend() -> str:
    """For the script: title and choices (label, face, ink) of each part, in code order."""
    return json.dumps(
        [
            [part_title(part), [[choice_label(name), *COLOURS[name]] for name in names]]
            for part, names in PART_CHOICES.items()
        ]
    )
