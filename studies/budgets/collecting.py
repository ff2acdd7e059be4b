"""What the finished jobs of a study of budgets found, as plain data (one results file)."""

from dataclasses import asdict

from studies.budgets.study import BudgetStudy, search_key
from studies.ranking.study import Network, network_key

#: The sides that are compared at each limit, in the order of pages.
SIDES = ("searched", "plain", "widened", "luckiest")


def collect(study: BudgetStudy) -> dict:
    """Plan, cost, and by limit: the search, and the networks of all sides, the finalists and the
    draws that are trained.

    A network holds its ``cost``, ``arch``, ``model`` and ``alone``, a record for each seed:
    ``seconds`` of its training and ``fusions``, by name ``PQ``, ``PQ_th`` and ``PQ_st``.
    """
    known, plan = study.found(), study.plan
    return dict(
        plan=asdict(plan),
        cost=study.measure.key,
        size=study.space.size,
        supernet=sum(known[f"supernet-{s}"]["seconds"] for s in plan.samplings),
        limits=[_limit(study, known, limit) for limit in study.finished()],
    )


def _limit(study: BudgetStudy, known: dict[str, dict], limit: float) -> dict:
    search = known[search_key(limit)]
    drawn = study.drawn_at(limit) if study.judged(study.drawn_at(limit)) else []
    finalists, draws = (
        [_network(study, known, network, held_out=True) for network in networks]
        for networks in (study.finalists(limit), drawn)
    )
    return dict(
        limit=limit,
        search={key: search[key] for key in ("score", "asked", "seconds")},
        sides={name: _network(study, known, side) for name, side in study.sides(limit).items()},
        finalists=finalists,
        probes=[
            dict(arch=n.arch.to_dict(), **_record(known[key]))
            for n, key in zip(study.probes_at(limit), study.probe_keys(limit), strict=True)
        ],
        draws=draws,
    )


def _network(
    study: BudgetStudy, known: dict[str, dict], network: Network, held_out: bool = False
) -> dict:
    seeds = range(1 if held_out else study.plan.seeds)
    records = [known[network_key(network, seed, held_out)] for seed in seeds]
    return dict(
        cost=study.network_cost(network),
        arch=network.arch.to_dict(),
        model=network.model,
        alone=[_record(record) for record in records],
    )


def _record(record: dict) -> dict:
    return dict(seconds=record["seconds"], fusions=record["fusions"])
