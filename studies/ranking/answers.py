"""What the results of a ranking study say, each number with a bootstrap interval.

The results are as :mod:`studies.ranking.results` says.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np
from scipy import stats

from mmpanonas.errors import InputError
from mmpanonas.evaluation.bootstrap import bootstrap
from mmpanonas.evaluation.rank_correlation import correlate, rank_correlation
from studies.ranking.results import drawn, main_key, pq, scores_of

SCORES = ("PQ", "PQ_th", "PQ_st")


def answers(results: Mapping, resamples: int = 2000) -> dict[str, dict]:
    """The answers by question; one that the results do not allow holds its ``reason`` alone.

    ``resamples`` is that of every bootstrap.
    """
    questions = dict(
        noise=noise,
        ranking=ranking,
        recalibration=partial(compared, axis="recalibration"),
        sampling=partial(compared, axis="sampling"),
        search=searches,
        choice=choices,
        fusion=fusions,
    )
    return {name: _answer(q, results, resamples) for name, q in questions.items()}


def _answer(question: Callable[..., dict], results: Mapping, resamples: int) -> dict:
    try:
        return question(results, resamples=resamples)
    except InputError as error:
        return dict(reason=str(error))


def noise(results: Mapping, resamples: int = 2000) -> dict:
    """Standard deviation of PQ between networks (one seed each), between seeds, and their ratio.

    The first holds the second: ``ratio`` is 1 where architectures do not matter at all.
    """
    first = np.array([pq(network) for network in drawn(results)])
    groups = [np.array(row) for row in _repeated(results)]
    if not groups:
        raise InputError("no network was trained with several seeds")

    def spread(places: np.ndarray) -> float:
        return float(first[places].std(ddof=1))

    def seeds(places: np.ndarray) -> float:
        return _pooled_deviation([groups[i] for i in places])

    def ratio(networks: np.ndarray, repeated: np.ndarray) -> float:
        return spread(networks) / seeds(repeated) if seeds(repeated) else math.nan

    sizes = len(first), len(groups)
    return dict(
        spread=asdict(bootstrap(spread, sizes[0], resamples=resamples)),
        noise=asdict(bootstrap(seeds, sizes[1], resamples=resamples)),
        ratio=asdict(bootstrap(ratio, *sizes, resamples=resamples)),
        networks=sizes[0],
        repeated=sizes[1],
    )


def _repeated(results: Mapping) -> list[list[float]]:
    """PQ of all seeds of each drawn network that has several, as many of each."""
    return [
        [pq(network, seed) for seed in range(len(network["alone"]))]
        for network in drawn(results)
        if len(network["alone"]) > 1
    ]


def _pooled_deviation(groups: Sequence[np.ndarray]) -> float:
    squares = sum(((group - group.mean()) ** 2).sum() for group in groups)
    return math.sqrt(squares / sum(len(group) - 1 for group in groups))


def ranking(results: Mapping, resamples: int = 2000) -> dict:
    """Supernet score against stand-alone PQ, and the ceiling: one seed against another.

    Beside them ``cost_...``: the cost in place of the score, a ranking that needs no supernet; and
    ``over_cost``: Kendall's tau of the score less that of the cost.
    """
    alone = np.array([pq(network) for network in drawn(results)])
    scores = scores_of(results, main_key(results))
    costs = np.array([network["cost"] for network in drawn(results)])
    pairs = [row[:2] for row in _repeated(results)]
    found = {
        "": rank_correlation(scores, alone, resamples),
        "ceiling_": rank_correlation(*zip(*pairs, strict=True), resamples) if pairs else {},
        "cost_": rank_correlation(costs, alone, resamples),
    }
    answer = {
        prefix + name: asdict(estimate)
        for prefix, coefficients in found.items()
        for name, estimate in coefficients.items()
    }
    answer["over_cost"] = _difference(scores, costs, alone, resamples)
    return answer | dict(networks=len(alone), repeated=len(pairs))


def _difference(scores: np.ndarray, others: np.ndarray, alone: np.ndarray, resamples: int) -> dict:
    """Kendall's tau of ``scores`` less that of ``others``, from the same draws of networks."""

    def difference(i: np.ndarray) -> float:
        return correlate(scores[i], alone[i]) - correlate(others[i], alone[i])

    return asdict(bootstrap(difference, len(alone), resamples=resamples))


def compared(results: Mapping, axis: str, resamples: int = 2000) -> dict:
    """Correlations of each ``sampling`` or ``recalibration``, the other as in the searches.

    ``difference``: of Kendall's tau to that of the searches; ``mean``: of the supernet scores.
    """
    sampling, recalibration = main_key(results).split("/")
    keys = {
        name: f"{name}/{recalibration}" if axis == "sampling" else f"{sampling}/{name}"
        for name in results["plan"][f"{axis}s"]
    }
    alone = np.array([pq(network) for network in drawn(results)])
    usual = scores_of(results, main_key(results))
    answer = {}
    for name, key in keys.items():
        scores = scores_of(results, key)
        found = rank_correlation(scores, alone, resamples)
        answer[name] = {coefficient: asdict(e) for coefficient, e in found.items()}
        answer[name]["difference"] = _difference(scores, usual, alone, resamples)
        answer[name]["mean"] = float(scores.mean())
    return answer


def searches(results: Mapping, resamples: int = 2000) -> dict:
    """PQ, percentile, regret and gain of what each strategy returns, over its searches.

    ``percentile``: share of the drawn networks below it, ties half; ``gain``: over their mean;
    ``regret``: to their best, which is fixed, since draws with replacement often lack it.
    """
    table = np.array([pq(network) for network in drawn(results)])
    answer = {}
    for strategy in dict.fromkeys(search["strategy"] for search in results["searches"]):
        own = [s["network"] for s in results["searches"] if s["strategy"] == strategy]
        returned = np.array([pq(results["networks"][place]) for place in own])

        def percentile(i: np.ndarray, j: np.ndarray, returned: np.ndarray = returned) -> float:
            ranks = [stats.percentileofscore(table[j], r, kind="mean") for r in returned[i]]
            return float(np.mean(ranks))

        def gain(i: np.ndarray, j: np.ndarray, returned: np.ndarray = returned) -> float:
            return float(returned[i].mean() - table[j].mean())

        def regret(i: np.ndarray, returned: np.ndarray = returned) -> float:
            return float(table.max() - returned[i].mean())

        def mean(i: np.ndarray, returned: np.ndarray = returned) -> float:
            return float(returned[i].mean())

        sizes = len(returned), len(table)
        answer[strategy] = dict(
            PQ=asdict(bootstrap(mean, sizes[0], resamples=resamples)),
            percentile=asdict(bootstrap(percentile, *sizes, resamples=resamples)),
            gain=asdict(bootstrap(gain, *sizes, resamples=resamples)),
            regret=asdict(bootstrap(regret, sizes[0], resamples=resamples)),
            searches=len(own),
            networks=len(set(own)),
        )
    if not answer:
        raise InputError("no search has ended")
    return answer


def choices(results: Mapping, resamples: int = 2000) -> dict:
    """PQ of each strategy's choice and of its baseline, means over seeds, and their difference.

    The interval draws deviations from a network's own mean among those of *all* networks with
    several seeds: three seeds say little about their own noise.
    """
    pool = _deviations(results["networks"])
    answer = {}
    for choice in results["choices"]:
        pair = [results["networks"][choice[side]] for side in ("network", "baseline")]
        values = [np.array([pq(n, seed) for seed in range(len(n["alone"]))]) for n in pair]
        means = [float(v.mean()) for v in values]
        rng = np.random.default_rng(0)
        errors = [rng.choice(pool, (resamples, len(v))).mean(axis=1) for v in values]
        low, high = np.percentile(means[0] - means[1] + errors[0] - errors[1], (2.5, 97.5))
        answer[choice["strategy"]] = dict(
            choice=means[0],
            baseline=means[1],
            difference=dict(value=means[0] - means[1], low=float(low), high=float(high)),
            seeds=[len(v) for v in values],
            cost=[n["cost"] for n in pair],
        )
    if not answer:
        raise InputError("no search has ended")
    return answer


def _deviations(networks: Sequence[Mapping]) -> np.ndarray:
    """From each network's mean, stretched so that their variance is that of one seed."""
    rows = [
        np.array([pq(n, seed) for seed in range(len(n["alone"]))])
        for n in networks
        if len(n["alone"]) > 1
    ]
    if not rows:
        raise InputError("no network was trained with several seeds")
    return np.concatenate([(r - r.mean()) * math.sqrt(len(r) / (len(r) - 1)) for r in rows])


def fusions(results: Mapping, resamples: int = 2000) -> dict:
    """Scores of each fusion, means over the drawn networks, and differences to the first."""
    networks = drawn(results)
    first, answer = None, {}
    for name in results["plan"]["fusions"]:
        rows = [n["alone"][0]["fusions"][name] for n in networks]
        values = {key: np.array([row[key] for row in rows]) for key in SCORES}
        first = first or values
        answer[name] = {key: float(v.mean()) for key, v in values.items()}
        for key in SCORES:
            change = values[key] - first[key]
            estimate = bootstrap(
                lambda i, change=change: float(change[i].mean()), len(change), resamples=resamples
            )
            answer[name][f"{key}_difference"] = asdict(estimate)
    return answer
