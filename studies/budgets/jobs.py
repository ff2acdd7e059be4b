"""The jobs of a study of budgets, each in a process of its own."""

from mmpanonas.space import Limits
from mmpanonas.strategies import STRATEGIES
from studies.budgets.choosing import unlike
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


#: What a job's ``kind`` may say.
JOBS: dict[str, Job] = {"supernet": train_supernet, "network": train_network, "search": search}
