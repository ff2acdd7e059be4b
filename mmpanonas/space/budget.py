"""Limits on what an architecture may cost."""

from dataclasses import dataclass, field

from mmpanonas.errors import InputError
from mmpanonas.space.arch import Arch
from mmpanonas.space.measure import CostMeasure
from mmpanonas.space.shape import NetworkShape
from mmpanonas.space.space import SearchSpace
from mmpanonas.values import NotNegative, Probability, Size, check_fields


class BudgetError(InputError):
    """A budget that cannot be met."""


@dataclass(frozen=True)
class Budget:
    """At most ``limit`` of a cost, and at least ``least`` of it.

    Attributes:
        limit: the largest allowed value; milliseconds for a latency.
        least: the smallest allowed value.
        spend: how near to the limit a candidate should lie, as a share of it: what is drawn or
            bred is changed until it does, where it can be.
        quantity, scope, size, table: as in ``CostMeasure``.
        measure: that cost.

    Raises:
        InputError: not a cost, or not a number, or a ``least`` above the limit.
    """

    quantity: str
    limit: NotNegative
    scope: str = "backbone"
    size: Size | None = None
    table: str | None = None
    least: NotNegative = 0
    spend: Probability | None = None
    measure: CostMeasure = field(init=False)

    def __post_init__(self) -> None:
        check_fields(self)
        measure = CostMeasure(self.quantity, self.scope, self.size, self.table)
        object.__setattr__(self, "measure", measure)
        if self.least > self.limit:
            raise InputError(f"a budget of at least {self.least} and at most {self.limit} is empty")

    @property
    def wanted(self) -> float:
        """The least cost that a candidate should have."""
        return max(self.least, (self.spend or 0) * self.limit)

    @property
    def words(self) -> str:
        """For messages."""
        text = f"{self.measure} at most {self.measure.show(self.limit)}"
        return f"{text} and at least {self.measure.show(self.least)}" if self.least else text

    def allows(self, arch: Arch, shape: NetworkShape) -> bool:
        """Whether ``arch`` keeps within the limits."""
        return self.least <= self.measure.of(arch, shape) <= self.limit

    def check_reachable(self, space: SearchSpace, shape: NetworkShape) -> None:
        """Raise ``BudgetError`` when even the cheapest architecture is too costly."""
        measure = self.measure
        least = measure.of(measure.cheapest(space, shape), shape)
        if least > self.limit:
            raise BudgetError(
                f"no architecture meets the budget: {measure} may be "
                f"{measure.show(self.limit)} at most, the cheapest has {measure.show(least)}; "
                f"raise the limit or narrow the network"
            )
