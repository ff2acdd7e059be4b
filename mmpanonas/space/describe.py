"""What a search space costs, part by part, and what a budget can choose in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmpanonas.space.budget import Budget
from mmpanonas.space.cost import network_cost
from mmpanonas.space.shape import NetworkShape
from mmpanonas.space.space import SearchSpace

#: A module of this share of the cost whose share of the variance is below the other is not steered.
HELD, STEERED = 0.04, 0.02

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class SpaceCosts:
    """Multiply-accumulates of architectures drawn uniformly from a space.

    Attributes:
        size: of the space, in architectures.
        modules: the network's, by name.
        macs: (draws, modules), for one picture.
        allowed: of each budget the share of the draws that keeps it.
    """

    size: int
    modules: tuple[str, ...]
    macs: np.ndarray
    allowed: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        space: SearchSpace,
        shape: NetworkShape,
        picture: tuple[int, int],
        draws: int = 500,
        seed: int = 0,
        budgets: Sequence[Budget] = (),
    ) -> "SpaceCosts":
        """Draw ``draws`` architectures and count them for a picture of this height and width."""
        rng = np.random.default_rng(seed)
        archs = [space.sample(rng) for _ in range(draws)]
        costs = [network_cost(arch, shape, picture) for arch in archs]
        names = tuple(dict.fromkeys(name for cost in costs for name in cost))
        macs = [[cost[n].macs if n in cost else 0 for n in names] for cost in costs]
        kept = (np.mean([b.allows(arch, shape) for arch in archs]) for b in budgets)
        return cls(space.size, names, np.array(macs, dtype=float), tuple(map(float, kept)))

    @property
    def total(self) -> np.ndarray:
        """(draws,): of the whole network."""
        return self.macs.sum(axis=1)

    @property
    def shares(self) -> np.ndarray:
        """(modules,): of the mean cost; they add up to 1."""
        return self.macs.mean(axis=0) / self.total.mean()

    @property
    def variance_shares(self) -> np.ndarray:
        """(modules,): covariance with the total over the total's variance; they add up to 1.

        All 0 where every architecture costs the same.
        """
        total = self.total - self.total.mean()
        variance = (total**2).sum()
        if variance == 0:
            return np.zeros(len(self.modules))
        return ((self.macs - self.macs.mean(axis=0)) * total[:, None]).sum(axis=0) / variance

    @property
    def quantiles(self) -> dict[float, float]:
        """Of the whole network's cost."""
        return dict(zip(QUANTILES, np.quantile(self.total, QUANTILES).tolist(), strict=True))

    def remarks(self) -> list[str]:
        """A sentence for each module that a budget cannot choose."""
        rows = zip(self.modules, self.shares, self.variance_shares, strict=True)
        return [
            f"The {name} holds {share:.0%} of the cost and {variance:.0%} of its variance: a "
            f"budget of multiply-accumulates does not choose it."
            for name, share, variance in rows
            if share >= HELD and variance < STEERED
        ]
