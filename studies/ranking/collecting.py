"""What the finished jobs of a ranking study found, as plain data (one results file)."""

from dataclasses import asdict

from studies.ranking.jobs import METRIC
from studies.ranking.study import Network, Study, network_key


def collect(study: Study) -> dict:
    """Plan, networks, searches and choices, as ``answers`` reads them.

    Networks come once, the drawn ones first; ``searches`` and ``choices`` hold their places.
    """
    known, returned, choices = study.found(), study.returned(), study.choices()
    baselines = [pair[1] for pair in choices.values()]
    groups = dict.fromkeys(study.drawn(), "drawn")
    for arch in returned.values():
        groups.setdefault(Network(arch), "returned")
    networks = [*groups, *dict.fromkeys(baselines)]
    places = {network.name: place for place, network in enumerate(networks)}
    strata = {Network(a): n for n, stratum in enumerate(study.strata) for a in stratum}
    plan = study.plan
    scores = {
        f"{sampling}/{recalibration}": study.scores(sampling, recalibration)
        for sampling in plan.samplings
        for recalibration in plan.recalibrations
    }
    rows = [
        dict(
            group=groups.get(network, "baseline"),
            stratum=strata.get(network),
            cost=study.network_cost(network),
            arch=network.arch.to_dict(),
            model=network.model,
            scores={
                key: metrics[METRIC]
                for key, cache in scores.items()
                if not network.model and (metrics := cache.get(network.arch))
            },
            alone=[
                dict(seed=seed, seconds=record["seconds"], fusions=record["fusions"])
                for seed in range(max(plan.seeds, plan.choice_seeds))
                if (record := known.get(network_key(network, seed)))
            ],
        )
        for network in networks
    ]
    return dict(
        plan=asdict(plan),
        space=dict(
            size=study.space.size,
            parts={p.name: [p.decisions, list(p.choices)] for p in study.space.searched},
        ),
        cost=study.measure.key,
        seconds={job: r["seconds"] for job, r in known.items() if job.startswith("supernet")},
        networks=rows,
        searches=[
            dict(strategy=s, seed=seed, network=places[Network(arch).name])
            for (s, seed), arch in returned.items()
        ],
        choices=[
            dict(strategy=s, network=places[own.name], baseline=places[base.name])
            for s, (own, base) in choices.items()
        ],
    )
