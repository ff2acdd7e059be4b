"""What a study of budgets is asked to do: the key ``budgets`` of a config."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmengine.config import Config

from mmpanonas.config.judge.layout import add_key
from mmpanonas.errors import InputError
from mmpanonas.strategies import STRATEGIES
from mmpanonas.values import PositiveInt, Probability, Seed, check_fields
from studies.budgets import operations  # noqa: F401 (a plain convolution, for both heads)
from studies.ranking.plan import read_plan
from studies.strategies.sizes import sizes


@dataclass(frozen=True)
class BudgetPlan:
    """The key ``budgets`` of a config.

    Attributes:
        alone, cost, samplings, recalibrations, fusions: as in ``StudyPlan``, one each.
        limits: what the networks of each budget cost at most, in that cost.
        plain, widened: networks whose widths are all scaled alike to a limit: ``model`` holds
            other keys of the model, ``arch`` the architecture.
        lucky: keys of the model that fix the operations; widths alone are drawn.
        spend: how near to its limit a search's candidates and lucky draws lie, as a share of it.
        strategy, evaluations: of each search.
        finalists: how many of a search's candidates, and how many that ``predict`` finds best, are
            trained alone on nas_train; which of them is best on nas_val is the search's answer.
        probes: networks drawn in the whole space that are trained for ``probe_iterations`` on
            nas_train; the prediction is fitted on their scores on nas_val.
        pool: how many draws, the probes among them, have their score predicted.
        seeds: with how many the networks are trained that are compared.
        draws: of widths at each budget.
        seed: of searches and draws.
    """

    alone: str
    cost: dict
    limits: Sequence[float]
    samplings: dict[str, str]
    recalibrations: dict[str, dict]
    fusions: dict[str, dict]
    plain: dict
    widened: dict
    lucky: dict
    spend: Probability = 0.95
    strategy: str = "Evolution"
    evaluations: PositiveInt = 200
    finalists: PositiveInt = 2
    probes: PositiveInt = 16
    probe_iterations: PositiveInt = 200
    pool: PositiveInt = 400
    seeds: PositiveInt = 3
    draws: PositiveInt = 8
    seed: Seed = 0

    @classmethod
    def from_config(cls, config: Config) -> "BudgetPlan":
        """The plan in a config; raises ``InputError`` as ``read_plan`` does."""
        return read_plan(cls, config, "budgets", "studies/budgets/configs/shapes.py")

    def __post_init__(self) -> None:
        check_fields(self)
        if self.strategy not in STRATEGIES:
            raise InputError(
                f"budgets.strategy: expected {sorted(STRATEGIES)}, got {self.strategy!r}"
            )
        sizes(self.strategy, self.evaluations)
        if self.probes > self.pool:
            raise InputError(
                f"budgets.probes: expected no more than the {self.pool} of budgets.pool, got "
                f"{self.probes}"
            )


add_key("budgets", BudgetPlan)
