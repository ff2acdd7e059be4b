"""Results of a ranking study made up so that every answer is known."""

import numpy as np

KEYS = ("fair/pooled", "fair/none", "uniform/pooled", "uniform/none")


def alone(*scores: float) -> list[dict]:
    """One result a seed; the second fusion is 1 better on things and 2 worse on stuff."""
    return [
        dict(
            seed=seed,
            seconds=60.0,
            fusions=dict(
                paper=dict(PQ=score, PQ_th=score - 10, PQ_st=score + 10),
                released=dict(PQ=score - 0.5, PQ_th=score - 9, PQ_st=score + 8),
            ),
        )
        for seed, score in enumerate(scores)
    ]


def made_up_results(networks: int = 24, noise: float = 1.0) -> dict:
    """Stand-alone PQ 30, 32, ..., its second seed ``noise`` more and less by turns.

    The supernet ranks them rightly with ``fair/pooled``, reversed with ``uniform``, and with
    ``fair/none`` gives the even half one score and the odd half another. Random returns the
    last but one network and the one before, Evolution what nobody drew (PQ 90).
    """
    arch = dict(backbone=["shuffle_3x3"] * 2, things_to_stuff=["r4"] * 4)
    rows = []
    for i in range(networks):
        pq = 30.0 + 2 * i
        scores = dict(zip(KEYS, (i, i % 2, -i, -i), strict=True))
        values = (pq, pq + noise * (-1) ** i)
        rows.append(dict(group="drawn", stratum=i // 6, cost=1e6 * (i + 1), arch=arch, model={}))
        rows[-1] |= dict(scores={k: float(s) for k, s in scores.items()}, alone=alone(*values))
    returned = dict(group="returned", stratum=None, cost=9e6, arch=arch, model={}, scores={})
    baseline = dict(group="baseline", stratum=None, cost=8.5e6, arch=arch, scores={})
    rows.append(returned | dict(alone=alone(90.0, 91.0, 92.0)))
    rows.append(baseline | dict(model=dict(things_to_stuff=None), alone=alone(80.0, 81.0, 82.0)))
    searches = [("Random", networks - 2), ("Random", networks - 3), ("Evolution", networks)]
    return dict(
        config="study.py",
        command="python -m studies.ranking study.py",
        device="CPU",
        plan=dict(
            samplings=dict(fair="A", uniform="B"),
            recalibrations=dict(pooled={}, none={}),
            fusions=dict(paper={}, released={}),
        ),
        space=dict(size=589824, parts=dict(backbone=[2, ["shuffle_3x3"]])),
        cost="network_macs_96x96",
        seconds={"supernet-fair": 100.0},
        networks=rows,
        searches=[dict(strategy=s, seed=n, network=i) for n, (s, i) in enumerate(searches)],
        choices=[dict(strategy="Evolution", network=networks, baseline=networks + 1)],
    )


def spread_of(networks: int) -> float:
    """Sample standard deviation of 30, 32, ..."""
    return 2 * float(np.arange(networks).std(ddof=1))
