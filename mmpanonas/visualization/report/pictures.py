"""The pictures of a search report as HTML: one function for each section, "" for an empty one.

The drawings are SVG inside the page, so that their text can be searched.
"""

import re
import tempfile
from collections.abc import Callable
from html import escape
from math import ceil
from pathlib import Path

from mmpanonas.errors import InputError
from mmpanonas.records.search_data import SearchData
from mmpanonas.space import NetworkShape
from mmpanonas.visualization.architecture.diagram import draw_arch
from mmpanonas.visualization.charts.choice_maps import (
    choice_shares,
    draw_choice_maps,
    mean_over_layers,
)
from mmpanonas.visualization.charts.curves import draw_search
from mmpanonas.visualization.charts.population import draw_generations, draw_shares, draw_trade_off
from mmpanonas.visualization.charts.scoreboard import draw_scoreboard
from mmpanonas.visualization.report.numbers import cost_title, score_title, unit_of

#: The part of the candidates that counts as the best ones.
BEST_SHARE = 0.1


def winner(data: SearchData, shape: NetworkShape | None = None) -> str:
    """The winner's diagram; ``shape`` gives the widths in the place of ``search.json``."""
    if data.winner is None:
        return ""
    title = f"Candidate {data.winner.index}" + ("" if data.answer else " (best so far)")
    try:
        shape = shape or NetworkShape.of_model(data.identity.get("model", {}))
        return picture("diagram", title, draw_arch, data.winner.arch, shape=shape, title=title)
    except InputError as error:
        return (
            f'<p class="remark">No diagram: search.json does not give the widths of this '
            f"network ({escape(str(error))}); give its config to the tool with --config.</p>"
        )


def progress(data: SearchData) -> str:
    """Scores over evaluations with the best so far, and by generation where there are several."""
    if not data.ranked:
        return ""
    results = [vars(candidate) for candidate in data.ranked]
    label = "Score of each candidate, and the best so far"
    html = picture("progress-curve", label, draw_search, results, score=data.metric)
    groups = data.by_generation()
    if len(groups) > 1:
        scores = {g: [c.score(data.metric) for c in members] for g, members in groups.items()}
        label, name = "Scores by generation", score_title(data.metric)
        html += picture("generations", label, draw_generations, scores, label=name)
    return f'<div class="side-by-side">{html}</div>'


def population(data: SearchData) -> str:
    """How often each choice was taken in each generation, of a search that has several."""
    groups = data.by_generation()
    if len(groups) < 2:
        return ""
    shares = {g: mean_over_layers(choice_shares(c.arch for c in m)) for g, m in groups.items()}
    return (
        "<p>How often each choice was taken in a generation, over all layers of a part.</p>"
        + picture("shares", "Choices by generation", draw_shares, shares)
    )


def choices(data: SearchData) -> str:
    """How often each choice was taken in each layer: by all candidates, and by the best."""
    best = data.ranked[: ceil(BEST_SHARE * len(data.ranked))]
    groups = {
        "choices-all": (f"All candidates ({len(data.candidates)})", data.candidates),
        "choices-best": (f"The best {BEST_SHARE:.0%} ({len(best)})", best),
    }
    html = "<p>Percent of the candidates that take a choice; in bold each layer's commonest.</p>"
    for name, (title, members) in groups.items():
        if members:
            shares = choice_shares(c.arch for c in members)
            html += f"<h3>{title}</h3>" + picture(name, title, draw_choice_maps, shares)
    return html


def scoreboards(data: SearchData) -> str:
    """The points of each choice of each layer, of a strategy that keeps a scoreboard."""
    report = data.strategy or {}
    if not report.get("scoreboard") or report["finished_paths"] < report["paths"]:
        return ""
    title = f"Scoreboard of {report['finished_paths']} finished paths"
    return f"<p>{escape(report['note'])}</p>" + picture(
        "scoreboard", title, draw_scoreboard, report["scoreboard"], title=title
    )


def front(data: SearchData) -> str:
    """Score against each cost, with the Pareto front among all candidates that have both."""
    html = ""
    for place, name in enumerate(dict.fromkeys(key for c in data.ranked for key in c.cost)):
        members = [c for c in data.ranked if name in c.cost]
        costs = [c.cost[name] for c in members]
        if len(set(costs)) < 2:
            continue
        scale, prefix = unit_of(costs)
        labels = (f"{cost_title(name)} {prefix and f'({prefix})'}", score_title(data.metric))
        html += picture(
            f"front-{place}",
            " against ".join(labels[::-1]),
            draw_trade_off,
            [cost / scale for cost in costs],
            [c.score(data.metric) for c in members],
            [c.index for c in members],
            labels=labels,
        )
    return html and f'<div class="side-by-side">{html}</div>'


def picture(name: str, label: str, draw: Callable, /, *data: object, **options: object) -> str:
    """What ``draw`` writes to its ``path``, as a figure of the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.svg"
        draw(*data, path=path, **options)
        svg = inline_svg(path.read_text(), name)
    return f'<figure id="{name}" role="img" aria-label="{escape(label)}">{svg}</figure>'


def inline_svg(svg: str, name: str) -> str:
    """An SVG file as an element of an HTML page.

    Its ids begin with ``name``, since those of several pictures would clash; what stands
    before it, its metadata and name spaces (which HTML knows) go.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    return re.sub(r">\s+<", "><", svg)
