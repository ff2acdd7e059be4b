"""A ranking study as one HTML page: plots and tables of its results file."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mmpanonas.files import write_atomically
from mmpanonas.visualization.report.numbers import cost_title, duration, unit_of
from mmpanonas.visualization.report.page import Fact, Picture, Section, picture, render_page
from studies.ranking.plots import draw_estimates, draw_returned, draw_scores

ALONE, SCORE = "PQ, trained alone", "PQ in the supernet"


def write_ranking_page(results: Mapping, path: str | os.PathLike) -> None:
    """Write the page about ``results`` with its ``answers`` (studies.ranking.answers).

    Raises:
        OSError: the file cannot be written.
    """
    found = results["answers"]
    sections = [
        _unanswered(name, title, found[name])
        or Section(name, title, "table", write(results, found[name]))
        for name, title, write in (
            ("noise", "Do architectures differ more than seeds?", _noise),
            ("ranking", "Does the supernet rank rightly?", _ranking),
            ("recalibration", "BN recalibration", _compared),
            ("sampling", "Sampling of paths", _compared),
            ("search", "What a search returns", _searches),
            ("choice", "Against a network of equal cost that nobody searched", _choices),
            ("fusion", "Fusion rules on the same predictions", _fusions),
        )
    ]
    sections.append(Section("networks", "Networks", "table", _networks(results)))
    page = render_page(
        title=Path(path).stem.replace("_", " "),
        about="ranking study",
        kind="Ranking study",
        status=f"{len(_drawn(results))} networks drawn, {len(results['networks'])} trained",
        sections=sections,
        facts=_facts(results),
    )
    write_atomically(path, page)


def interval(estimate: Mapping[str, float], digits: int = 2) -> str:
    """As "0.41 [0.22, 0.58]"."""
    value, low, high = (f"{estimate[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _unanswered(name: str, title: str, answer: Mapping) -> Section | None:
    values = dict(texts=[answer["reason"]]) if "reason" in answer else None
    return values and Section(name, title, "remarks", values)


def _facts(results: Mapping) -> list[Fact]:
    found = results["answers"]
    tiles = {
        "architectures in the space": f"{results['space']['size']:,}",
        "of training, all networks": duration(
            sum(a["seconds"] for n in results["networks"] for a in n["alone"])
        ),
    }
    if "kendall_tau" in found["ranking"]:
        tiles["Kendall's tau of the supernet"] = f"{found['ranking']['kendall_tau']['value']:.2f}"
    if "ratio" in found["noise"]:
        tiles["spread over noise"] = f"{found['noise']['ratio']['value']:.1f}"
    return [Fact(value, name) for name, value in tiles.items()]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *pictures: Picture) -> dict:
    return dict(heads=heads, rows=rows, pictures=pictures)


def _drawn(results: Mapping) -> list[Mapping]:
    return [network for network in results["networks"] if network["group"] == "drawn"]


def _pq(network: Mapping, seed: int = 0) -> float:
    return next(iter(network["alone"][seed]["fusions"].values()))["PQ"]


def _noise(results: Mapping, answer: Mapping) -> dict:
    names = dict(spread="between networks", noise="between seeds", ratio="ratio")
    rows = [(title, interval(answer[name])) for name, title in names.items()]
    pairs = [n for n in _drawn(results) if len(n["alone"]) > 1]
    seeds = [[_pq(n, seed) for n in pairs] for seed in (0, 1)]
    labels = (f"{ALONE}, seed 0", "seed 1")
    drawn = picture("seeds", "PQ of two seeds", draw_scores, *seeds, labels=labels)
    return _table(("standard deviation of PQ", "95 % interval"), rows, drawn)


def _ranking(results: Mapping, answer: Mapping) -> dict:
    plan = results["plan"]
    key = f"{next(iter(plan['samplings']))}/{next(iter(plan['recalibrations']))}"
    networks = _drawn(results)
    values = [n["scores"][key] for n in networks], [_pq(n) for n in networks]
    rows = [
        (title, interval(answer[name]))
        for name, title in (
            ("kendall_tau", "Kendall's tau"),
            ("ceiling_kendall_tau", "its ceiling: one seed against another"),
            ("spearman_rho", "Spearman's rho"),
            ("ceiling_spearman_rho", "its ceiling"),
            ("cost_kendall_tau", "Kendall's tau of the cost in place of the score"),
            ("over_cost", "what the score adds to that"),
        )
        if name in answer
    ]
    drawn = picture(
        "ranks",
        f"{ALONE} by {SCORE}",
        draw_scores,
        *values,
        labels=(SCORE, ALONE),
        costs=[n["cost"] for n in networks],
        cost_label=cost_title(results["cost"]),
    )
    return _table((f"supernet {key} against training alone", "95 % interval"), rows, drawn)


def _compared(results: Mapping, answer: Mapping) -> dict:
    keys = ("kendall_tau", "spearman_rho", "difference")
    rows = [
        (name, *(interval(a[key]) for key in keys), f"{a['mean']:.1f}")
        for name, a in answer.items()
    ]
    heads = ("", "Kendall's tau", "Spearman's rho", "tau, difference to the first", "mean score")
    taus = {name: a["kendall_tau"] for name, a in answer.items()}
    label = "Kendall's tau, 95 % interval"
    drawn = picture("tau-" + "-".join(answer), label, draw_estimates, taus, label=label)
    return _table(heads, rows, drawn)


def _searches(results: Mapping, answer: Mapping) -> dict:
    keys = ("PQ", "percentile", "gain", "regret")
    rows = [
        (name, str(a["searches"]), str(a["networks"]), *(interval(a[key], 1) for key in keys))
        for name, a in answer.items()
    ]
    heads = ("", "searches", "different answers", "PQ", "percentile", "over the mean", "regret")
    returned = {
        name: [
            _pq(results["networks"][s["network"]])
            for s in results["searches"]
            if s["strategy"] == name
        ]
        for name in answer
    }
    scores = [_pq(n) for n in _drawn(results)]
    drawn = picture("returned", "PQ of what searches return", draw_returned, scores, returned)
    return _table(heads, rows, drawn)


def _choices(results: Mapping, answer: Mapping) -> dict:
    rows = [
        (
            name,
            f"{a['choice']:.2f}",
            f"{a['baseline']:.2f}",
            interval(a["difference"]),
            " and ".join(f"{cost / 1e6:.1f}" for cost in a["cost"]),
            " and ".join(map(str, a["seeds"])),
        )
        for name, a in answer.items()
    ]
    heads = ("", "PQ of the choice", "of all 3x3", "difference", "cost (M)", "seeds")
    return _table(heads, rows)


def _fusions(results: Mapping, answer: Mapping) -> dict:
    scores = dict(PQ="PQ", PQ_th="things", PQ_st="stuff")
    rows = [
        (
            name,
            *(f"{a[key]:.2f}" for key in scores),
            *(interval(a[f"{key}_difference"]) for key in scores),
        )
        for name, a in answer.items()
    ]
    changes = (f"{title}, difference to the first" for title in scores.values())
    return _table(("preset", *scores.values(), *changes), rows)


def _networks(results: Mapping) -> dict:
    networks = sorted(results["networks"], key=lambda n: -_pq(n))
    scale, prefix = unit_of(n["cost"] for n in networks)
    rows = (
        (
            n["group"],
            f"{n['cost'] / scale:.1f}",
            ", ".join(f"{_pq(n, seed):.2f}" for seed in range(len(n["alone"]))),
            "; ".join(_words(n["arch"])),
        )
        for n in networks
    )
    heads = ("", f"{cost_title(results['cost'])} ({prefix})", f"{ALONE}, by seed", "architecture")
    return dict(heads=heads, rows=rows, scroll=True)


def _words(arch: Mapping[str, Iterable[str]]) -> Iterable[str]:
    """Each part's choices; of an attention, whose layers share one, that one."""
    for part, choices in arch.items():
        shown = dict.fromkeys(choices) if len(set(choices)) == 1 else choices
        yield f"{part.replace('_', ' ')}: {', '.join(shown)}"
