"""What the results of a study of budgets say; they are as ``collecting.collect`` makes them."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from studies.ranking.results import pq

#: Of the searched network's difference to each of these; the first one's is the study's question.
RIVALS = ("plain", "widened", "luckiest")


def answers(results: Mapping) -> dict:
    """By limit the difference of the searched network to each rival, and what both cost in time.

    ``difference`` holds the mean over seeds, its 95 % interval and ``p`` by Welch's t-test;
    ``holm`` is that p adjusted over all limits and rivals (Holm 1979). ``price``: seconds of the
    supernet, the searches and the trainings of what they found, against those of all draws.
    """
    found = [
        dict(limit=each["limit"], rival=rival, **_difference(each["sides"], rival))
        for each in results["limits"]
        for rival in RIVALS
        if rival in each["sides"]
    ]
    for answer, p in zip(found, holm([a["p"] for a in found]), strict=True):
        answer["holm"] = p
    return dict(differences=found, price=price(results))


def seeds_of(network: Mapping) -> np.ndarray:
    """PQ by seed."""
    return np.array([pq(network, seed) for seed in range(len(network["alone"]))])


def _difference(sides: Mapping, rival: str) -> dict:
    ours, theirs = (seeds_of(sides[name]) for name in ("searched", rival))
    test = stats.ttest_ind(ours, theirs, equal_var=False)
    low, high = test.confidence_interval()
    change = float(ours.mean() - theirs.mean())
    return dict(
        difference=dict(value=change, low=float(low), high=float(high)), p=float(test.pvalue)
    )


def holm(values: Sequence[float]) -> list[float]:
    """Values of p adjusted for as many tests (Holm 1979), in their order."""
    order = np.argsort(values, kind="stable")
    scaled = np.asarray(values)[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return [float(p) for p in adjusted]


def price(results: Mapping) -> dict[str, float]:
    """Seconds: ``supernet``, ``searches``, ``trainings`` (one seed a limit), ``luck``.

    A search's are with those of its probes and finalists. Of limits whose draws are trained.
    """
    limits = [each for each in results["limits"] if "luckiest" in each["sides"]]
    one = [each["sides"]["searched"]["alone"][0]["seconds"] for each in limits]
    # A draw is trained to be chosen; the chosen one is then trained once more, as the search's is.
    finalists, draws = (
        sum(n["alone"][0]["seconds"] for each in limits for n in each[kind])
        for kind in ("finalists", "draws")
    )
    probes = sum(probe["seconds"] for each in limits for probe in each["probes"])
    final = [each["sides"]["luckiest"]["alone"][0]["seconds"] for each in limits]
    return dict(
        supernet=results["supernet"],
        searches=sum(each["search"]["seconds"] for each in limits) + probes + finalists,
        trainings=sum(one),
        luck=draws + sum(final),
    )
