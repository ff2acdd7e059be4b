"""The jobs of a study of budgets, each in a process of its own."""

import math
from collections.abc import Mapping

from mmpanonas.space import Arch, Limits, SearchSpace
from mmpanonas.strategies import STRATEGIES
from studies.budgets.study import BudgetStudy
from studies.ranking.jobs import Job, evaluator_of, scorer, train_network, train_supernet
from studies.ranking.replay import replay
from studies.strategies.sizes import sizes


def search(study: BudgetStudy, job: dict) -> dict:
    """One search in the supernet, within the job's limit."""
    plan = study.plan
    sampling, recalibration = next(iter(plan.samplings)), next(iter(plan.recalibrations))
    score = scorer(study, evaluator_of(study, sampling), sampling, recalibration)
    limits = Limits([study.limits(job["limit"])], study.space, study.shape)
    numbers = sizes(plan.strategy, plan.evaluations)
    scores = replay(STRATEGIES[plan.strategy](study.space, plan.seed, limits, **numbers), score)
    found = unlike(scores, study.space, plan.finalists)
    return dict(
        limit=job["limit"],
        finalists=[arch.to_dict() for arch in found],
        score=scores[found[0]],
        asked=len(scores),
    )


def unlike(scores: Mapping[Arch, float], space: SearchSpace, count: int) -> list[Arch]:
    """The best ``count`` architectures, best first, of which any two differ in a quarter of all
    decisions at least: relatives of the best one score alike and say little more.

    Where too few differ so much, less is asked for.
    """
    order = sorted(scores, key=scores.__getitem__, reverse=True)
    codes = {arch: space.encode(arch) for arch in order}
    for least in range(math.ceil(len(space.num_choices) / 4), -1, -1):
        found: list[Arch] = []
        for arch in order:
            if len(found) < count and all(
                (codes[arch] != codes[other]).sum() >= least for other in found
            ):
                found.append(arch)
        if len(found) == min(count, len(order)):
            break
    return found


#: What a job's ``kind`` may say.
JOBS: dict[str, Job] = {"supernet": train_supernet, "network": train_network, "search": search}
