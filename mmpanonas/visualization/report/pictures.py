"""The pictures of a search report: one function for each section, None for an empty one.

The drawings are SVG inside the page, so that their text can be searched.
"""

from math import ceil

from mmpanonas.errors import InputError
from mmpanonas.records.search_data import SearchData
from mmpanonas.space import NetworkShape, network_cost, uncounted
from mmpanonas.space.cost import TEST_SIZE
from mmpanonas.visualization.architecture.diagram import draw_arch
from mmpanonas.visualization.charts.curves import (
    draw_front,
    draw_generations,
    draw_search,
    draw_spending,
)
from mmpanonas.visualization.charts.heat_maps import draw_choice_maps, draw_scoreboard
from mmpanonas.visualization.charts.population import choice_shares, draw_shares, mean_over_layers
from mmpanonas.visualization.report.numbers import cost_title, score_title
from mmpanonas.visualization.report.page import picture

#: The part of the candidates that counts as the best ones.
BEST_SHARE = 0.1
#: So many candidates stand for all, where their mean cost is drawn.
MEAN_OF = 200


def winner(data: SearchData, shape: NetworkShape | None = None) -> dict:
    """The winner's diagram, or why there is none.

    ``shape`` gives the widths in the place of ``search.json``.
    """
    title = f"Candidate {data.winner.index}" + ("" if data.answer else " (best so far)")
    try:
        shape = shape or NetworkShape.of_model(data.identity.get("model", {}))
        drawn = picture("diagram", title, draw_arch, data.winner.arch, shape=shape, title=title)
        return dict(pictures=[drawn], doubts=[])
    except InputError as error:
        doubt = (
            f"No diagram: search.json does not give the widths of this network ({error}); "
            "give its config to the tool with --config."
        )
        return dict(pictures=[], doubts=[doubt])


def spending(data: SearchData, shape: NetworkShape | None = None) -> dict | None:
    """What each module of the winner costs, beside the mean of all candidates.

    None where the network is not counted.
    """
    model = data.identity.get("model", {})
    if not data.winner or (shape is None and uncounted(model)):
        return None
    try:
        shape = shape or NetworkShape.of_model(model)
        size = _counted_size(data)
        ours = network_cost(data.winner.arch, shape, size)
        every = [network_cost(c.arch, shape, size) for c in data.candidates[:MEAN_OF]]
    except InputError:
        return None
    modules = dict.fromkeys(module for cost in [ours, *every] for module in cost)
    mean = {m: sum(c[m].macs for c in every if m in c) / len(every) for m in modules}
    costs = {"best": {name: cost.macs for name, cost in ours.items()}, "mean of candidates": mean}
    label = f"multiply-accumulates of a picture of {size[0]} x {size[1]}"
    drawn = picture("spending-modules", "Cost of each module", draw_spending, costs, label=label)
    intro = "Multiply-accumulates by module, and their shares of the network."
    return dict(intro=intro, pictures=[drawn])


def _counted_size(data: SearchData) -> tuple[int, int]:
    """Height and width of the first budget that has them."""
    budgets = [b for b in data.identity.get("budgets") or [] if isinstance(b, dict)]
    return next((tuple(b["size"]) for b in budgets if b.get("size")), TEST_SIZE)


def progress(data: SearchData) -> dict | None:
    """Scores over evaluations with the best so far, and by generation where there are several."""
    if not data.ranked:
        return None
    label = "Score of each candidate, and the best so far"
    drawn = [picture("progress-curve", label, draw_search, data.ranked, score=data.metric)]
    groups = data.by_generation()
    if len(groups) > 1:
        scores = {g: [c.score(data.metric) for c in members] for g, members in groups.items()}
        label, name = "Scores by generation", score_title(data.metric)
        drawn.append(picture("generations", label, draw_generations, scores, label=name))
    return dict(pictures=drawn, beside=True)


def population(data: SearchData) -> dict | None:
    """How often each choice was taken in each generation, of a search that has several."""
    groups = data.by_generation()
    if len(groups) < 2:
        return None
    shares = {g: mean_over_layers(choice_shares(c.arch for c in m)) for g, m in groups.items()}
    return dict(
        intro="How often each choice was taken in a generation, over all layers of a part.",
        pictures=[picture("shares", "Choices by generation", draw_shares, shares)],
    )


def choices(data: SearchData) -> dict:
    """How often each choice was taken in each layer: by all candidates, and by the best."""
    best = data.ranked[: ceil(BEST_SHARE * len(data.ranked))]
    groups = {
        "choices-all": (f"All candidates ({len(data.candidates)})", data.candidates),
        "choices-best": (f"The best {BEST_SHARE:.0%} ({len(best)})", best),
    }
    return dict(
        intro="Percent of the candidates that take a choice; ringed each layer's commonest.",
        headed=True,
        pictures=[
            picture(name, title, draw_choice_maps, choice_shares(c.arch for c in members))
            for name, (title, members) in groups.items()
            if members
        ],
    )


def scoreboards(data: SearchData) -> dict | None:
    """The points of each choice of each layer, of a strategy that keeps a scoreboard."""
    report = data.strategy or {}
    if not report.get("scoreboard") or report["finished_paths"] < report["paths"]:
        return None
    title = f"Scoreboard of {report['finished_paths']} finished paths"
    drawn = picture("scoreboard", title, draw_scoreboard, report["scoreboard"], title=title)
    return dict(intro=report["note"], pictures=[drawn])


def front(data: SearchData) -> dict | None:
    """Score against each cost, with the Pareto front among all candidates that have both."""
    drawn = []
    for place, name in enumerate(dict.fromkeys(key for c in data.ranked for key in c.cost)):
        members = [c for c in data.ranked if name in c.cost]
        costs = [c.cost[name] for c in members]
        if len(set(costs)) < 2:
            continue
        labels = (cost_title(name), score_title(data.metric))
        drawn.append(
            picture(
                f"front-{place}",
                " against ".join(labels[::-1]),
                draw_front,
                costs,
                [c.score(data.metric) for c in members],
                labels=labels,
                numbers=[c.index for c in members],
            )
        )
    return dict(pictures=drawn, beside=True) if drawn else None
