"""A study of budgets as one HTML page: plots and tables of its results file."""

import os
from collections.abc import Mapping
from pathlib import Path

from mmpanonas.files import write_atomically
from mmpanonas.visualization.report.numbers import cost_title, duration, unit_of
from mmpanonas.visualization.report.page import Fact, Section, picture, render_page
from studies.budgets.answers import seeds_of
from studies.budgets.collecting import SIDES
from studies.budgets.plots import draw_sides
from studies.ranking.page import interval

ABOUT = dict(
    searched="widths and operations, the best of a search's finalists",
    plain="nobody's: 3x3 blocks and plain heads, all widths alike",
    widened="the ranking study's searched operations, all widths alike",
    luckiest="plain operations, the best of widths at random",
)


def write_budget_page(results: Mapping, path: str | os.PathLike) -> None:
    """Write the page about ``results`` with its ``answers``. Raises ``OSError``."""
    found = results["answers"]
    sections = [
        Section("sides", "PQ at equal cost", "table", _sides(results)),
        Section("differences", "The searched network less its rivals", "table", _rivals(found)),
        Section("price", "What it took", "table", _price(found["price"])),
        Section("networks", "Networks", "table", _networks(results)),
    ]
    page = render_page(
        title=Path(path).stem.replace("_", " "),
        about="study of budgets",
        kind="Study of budgets",
        status=f"{len(results['limits'])} of {len(results['plan']['limits'])} budgets, "
        f"{results['plan']['seeds']} seeds",
        sections=sections,
        facts=[Fact(f"{results['size']:.2g}", "architectures in the space")],
    )
    write_atomically(path, page)


def _sides(results: Mapping) -> dict:
    limits = results["limits"]
    title = cost_title(results["cost"])
    sides = {
        name: [
            (each["sides"][name]["cost"], list(seeds_of(each["sides"][name])))
            for each in limits
            if name in each["sides"]
        ]
        for name in SIDES
    }
    sides = {name: networks for name, networks in sides.items() if networks}
    drawn = picture("sides", "PQ over cost", draw_sides, sides, label=title)
    scale, prefix = unit_of(e["limit"] for e in limits)
    rows = [
        (
            name,
            ABOUT[name],
            *(_cell(each["sides"].get(name), scale) for each in limits),
        )
        for name in sides
    ]
    heads = ("", "", *(f"{e['limit'] / scale:.4g} {prefix}" for e in limits))
    return dict(heads=heads, rows=rows, pictures=[drawn])


def _cell(network: Mapping | None, scale: float) -> str:
    """Mean PQ and cost."""
    if network is None:
        return "not trained"
    return f"{seeds_of(network).mean():.2f} ({network['cost'] / scale:.1f})"


def _rivals(found: Mapping) -> dict:
    rows = [
        (
            f"{a['limit'] / 1e6:.4g} M",
            a["rival"],
            interval(a["difference"]),
            f"{a['p']:.3g}",
            f"{a['holm']:.3g}",
        )
        for a in found["differences"]
    ]
    heads = ("budget", "rival", "difference of PQ [95 %]", "p (Welch)", "p (Holm)")
    return dict(heads=heads, rows=rows)


def _price(seconds: Mapping[str, float]) -> dict:
    names = dict(
        supernet="one supernet, for all budgets",
        searches="the searches, with trainings of probes and finalists",
        trainings="one training of each answer",
        luck="against: the draws, and one training of each luckiest",
    )
    rows = [(title, duration(seconds[name])) for name, title in names.items()]
    return dict(heads=("", "time"), rows=rows)


def _networks(results: Mapping) -> dict:
    rows = [
        (
            f"{each['limit'] / 1e6:.4g} M",
            name,
            f"{network['cost'] / 1e6:.1f}",
            ", ".join(f"{score:.2f}" for score in seeds_of(network)),
            _words(network),
        )
        for each in results["limits"]
        for name, network in each["sides"].items()
    ]
    heads = ("budget", "", "M", "PQ by seed", "architecture; widths")
    return dict(heads=heads, rows=rows, scroll=True)


def _words(network: Mapping) -> str:
    arch = [f"{part.replace('_', ' ')}: {', '.join(v)}" for part, v in network["arch"].items()]
    backbone = (network["model"].get("backbone") or {}).get("channels")
    return "; ".join([*arch, *([f"channels {backbone}"] if backbone else [])])
