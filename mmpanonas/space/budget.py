"""Limits on what an architecture may cost."""

from dataclasses import dataclass, field

from mmpanonas.errors import InputError
from mmpanonas.space.arch import Arch
from mmpanonas.space.measure import CostMeasure
from mmpanonas.space.shape import NetworkShape
from mmpanonas.space.space import SearchSpace
from mmpanonas.values import NotNegative, Size, check_fields


class BudgetError(InputError):
    """A budget that cannot be met."""


@dataclass(frozen=True)
class Budget:
    """At most ``limit`` of a cost.

    Attributes:
        limit: the largest allowed value; milliseconds for a latency.
        quantity, scope, size, table: as in ``CostMeasure``.
        measure: that cost.

    Raises:
        InputError: not a cost, or not a number.
    """

    quantity: str
    limit: NotNegative
    scope: str = "backbone"
    size: Size | None = None
    table: str | None = None
    measure: CostMeasure = field(init=False)

    def __post_init__(self) -> None:
        check_fields(self)
        measure = CostMeasure(self.quantity, self.scope, self.size, self.table)
        object.__setattr__(self, "measure", measure)

    def allows(self, arch: Arch, shape: NetworkShape) -> bool:
        """Whether ``arch`` keeps within the limit."""
        return self.measure.of(arch, shape) <= self.limit

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
