"""A search as one HTML page that needs nothing besides itself."""

import os
from pathlib import Path

from mmpanonas.files import write_atomically
from mmpanonas.records.search_data import SearchData
from mmpanonas.space import PARTS, NetworkShape, operations_of
from mmpanonas.visualization.architecture.boxes import choice_colours, choice_label
from mmpanonas.visualization.charts.population import part_title
from mmpanonas.visualization.report import pictures, tables
from mmpanonas.visualization.report.page import Section, render_page


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
    best = data.winner and dict(values=tables.winner(data), **pictures.winner(data, shape))
    sections = [
        Section("winner", "Best architecture", "winner", best),
        Section("spending", "Where the cost goes", "figures", pictures.spending(data, shape)),
        Section("progress", "Progress", "figures", pictures.progress(data)),
        Section("population", "Population over time", "figures", pictures.population(data)),
        Section("scoreboards", "Scoreboard", "figures", pictures.scoreboards(data)),
        Section("choices", "Choices per layer", "figures", pictures.choices(data)),
        Section("front", "Score and cost", "figures", pictures.front(data)),
        Section("candidates", "Candidates", "candidates", tables.candidates(data)),
        Section("failures", "Failures", "failures", tables.failures(data)),
        Section("provenance", "Versions and settings", "provenance", tables.provenance(data)),
    ]
    strategy = data.identity.get("strategy", {})
    return render_page(
        title=data.folder.resolve().name,
        about="search report",
        kind=str(strategy.get("type", "")) or "Search",
        status="finished" if data.answer else "not finished",
        remarks=_remarks(data),
        facts=tables.facts(data),
        sections=sections,
        legend=_legend(),
    )


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
    return remarks + _doubts(data)


def _doubts(data: SearchData) -> list[str]:
    """Why the ranking may say nothing."""
    scores = [c.score(data.metric) for c in data.ranked]
    tied = scores.count(scores[0]) if scores else 0
    doubts = []
    if tied == len(scores) > 1:
        doubts.append(f"All {tied} candidates score {scores[0]:g}: this ranking says nothing.")
    elif tied > 1:
        doubts.append(f"{tied} candidates share the best score; the earliest is the answer.")
    things = data.metric.rpartition("/")[0] + "/PQ_th"
    found = [c.score(things) for c in data.ranked]
    if found and data.metric.endswith("/PQ") and all(score == 0 for score in found):
        doubts.append("No candidate finds a thing (PQ_th is 0 for all): train the supernet longer.")
    return doubts


def _legend() -> list:
    """For the script: title and choices (label, face, ink) of each part, in code order."""
    return [
        [
            part_title(part),
            [[choice_label(name), *choice_colours(name)] for name in operations_of(part)],
        ]
        for part in PARTS
    ]
