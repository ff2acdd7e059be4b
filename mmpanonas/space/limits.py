"""All budgets of a search together, and what brings an architecture within them."""

from collections.abc import Sequence

import numpy as np

from mmpanonas.space.arch import Arch
from mmpanonas.space.budget import Budget, BudgetError
from mmpanonas.space.shape import NetworkShape
from mmpanonas.space.space import SearchSpace

#: Changes tried, for each searched layer, until a repair gives up; and the share of those that are
#: made though they lead away from the goal.
_TRIES = 20
_WORSE = 0.02

#: Repaired draws until budgets are said to exclude each other.
_DRAWS = 5


class Limits:
    """Budgets that every candidate keeps: callable on an architecture.

    Args:
        budgets: that must all hold.
        space, shape: of the supernet.

    Attributes:
        spends: whether a budget asks for candidates near its limit.

    Raises:
        BudgetError: one cannot be met, or no architecture was found that keeps all.
    """

    def __init__(self, budgets: Sequence[Budget], space: SearchSpace, shape: NetworkShape) -> None:
        self.budgets, self.space, self.shape = list(budgets), space, shape
        self.spends = any(budget.spend is not None for budget in self.budgets)
        for budget in self.budgets:
            budget.check_reachable(space, shape)
        if len(self.budgets) > 1 or any(budget.least for budget in self.budgets):
            self._check_together()

    def __call__(self, arch: Arch) -> bool:
        """Whether ``arch`` keeps within all."""
        return all(budget.allows(arch, self.shape) for budget in self.budgets)

    def repaired(self, codes: np.ndarray, rng: np.random.Generator) -> Arch | None:
        """An architecture within the limits that ``codes`` become by few changes, or None.

        Random decisions change where that brings the costs nearer to what the budgets want, from
        above or from below, and now and then where it does not.
        """
        codes = np.array(codes)
        costs = self._costs(codes)
        best, least = None, np.inf
        for _ in range(_TRIES * len(codes)):
            gap = self._gap(costs)
            if gap < least and self._keep(costs):
                best, least = codes, gap
            if gap == 0:
                break
            changed = self._change(codes, rng)
            tried = self._costs(changed)
            if self._gap(tried) < gap or rng.random() < _WORSE:
                codes, costs = changed, tried
        return None if best is None else self.space.decode(best)

    def _costs(self, codes: np.ndarray) -> np.ndarray:
        arch = self.space.decode(codes)
        return np.array([budget.measure.of(arch, self.shape) for budget in self.budgets])

    def _keep(self, costs: np.ndarray) -> bool:
        pairs = zip(self.budgets, costs, strict=True)
        return all(budget.least <= cost <= budget.limit for budget, cost in pairs)

    def _gap(self, costs: np.ndarray) -> float:
        """How far costs are from what is wanted, as a sum of shares; 0 within."""
        pairs = zip(self.budgets, costs, strict=True)
        return sum(
            max(cost - budget.limit, budget.wanted - cost, 0) / max(budget.limit, 1e-12)
            for budget, cost in pairs
        )

    def _change(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """``codes`` with another choice in one random layer."""
        counts = self.space.num_choices
        layer = rng.choice(np.flatnonzero(counts > 1))
        changed = codes.copy()
        changed[layer] = (codes[layer] + rng.integers(1, counts[layer])) % counts[layer]
        return changed

    def _check_together(self) -> None:
        rng = np.random.default_rng(0)
        counts = self.space.num_choices
        draws = (self.repaired(rng.integers(counts), rng) for _ in range(_DRAWS))
        if any(arch is not None for arch in draws):
            return
        words = []
        for budget in self.budgets:
            arch = budget.measure.cheapest(self.space, self.shape)
            costs = (
                f"{b.measure.show(b.measure.of(arch, self.shape))} {b.measure}"
                for b in self.budgets
            )
            words.append(
                f"the cheapest in {budget.measure} has {', '.join(costs)}: {arch.to_dict()}"
            )
        limits = ", ".join(budget.words for budget in self.budgets)
        raise BudgetError(
            f"no architecture was found that keeps all budgets ({limits}) in {_DRAWS} repaired "
            f"draws; raise a limit. {'; '.join(words)}"
        )
