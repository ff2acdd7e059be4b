"""Limits on what an architecture may cost."""

from dataclasses import dataclass, replace

from mmpanonas.errors import InputError
from mmpanonas.space.arch import Arch
from mmpanonas.space.cost import IMAGENET_SIZE, backbone_cost, network_cost
from mmpanonas.space.shape import NetworkShape
from mmpanonas.space.space import SearchSpace


class BudgetError(InputError):
    """A budget that cannot be met, or is not one."""


@dataclass(frozen=True)
class Budget:
    """At most ``limit`` of a quantity.

    Attributes:
        quantity: "macs" (multiply-accumulates) or "params".
        limit: the largest allowed value.
        scope: "backbone" or "network".
        size: height and width of the input that MACs are counted at.
    """

    quantity: str
    limit: float
    scope: str = "backbone"
    size: tuple[int, int] = IMAGENET_SIZE

    def __post_init__(self) -> None:
        if self.quantity not in ("macs", "params") or self.scope not in ("backbone", "network"):
            raise BudgetError(
                f"a budget limits 'macs' or 'params' of 'backbone' or 'network', "
                f"got {self.quantity!r} of {self.scope!r}"
            )

    def cost(self, arch: Arch, shape: NetworkShape) -> int:
        """What ``arch`` takes of the limited quantity."""
        if self.scope == "backbone":
            total = backbone_cost(arch, shape, self.size)
        else:
            total = sum(network_cost(arch, shape, self.size).values())
        return getattr(total, self.quantity)

    def allows(self, arch: Arch, shape: NetworkShape) -> bool:
        """Whether ``arch`` keeps within the limit."""
        return self.cost(arch, shape) <= self.limit

    def check_reachable(self, space: SearchSpace, shape: NetworkShape) -> None:
        """Raise ``BudgetError`` when even the cheapest architecture is too costly."""
        least = self.cost(self._cheapest(space, shape), shape)
        if least > self.limit:
            raise BudgetError(
                f"no architecture meets the budget: {self.quantity} of the {self.scope} at "
                f"{self.size[0]}x{self.size[1]} may be {self.limit:,.0f} at most, the cheapest "
                f"has {least:,}; raise the limit or narrow the network"
            )

    def _cheapest(self, space: SearchSpace, shape: NetworkShape) -> Arch:
        """Costs add up over layers, so each layer's cheapest choice is best on its own."""
        arch = space.decode([0] * len(space.num_choices))
        for part in space.searched:
            for layer in range(part.layers):
                arch = min(
                    (_with_choice(arch, part.name, layer, choice) for choice in part.choices),
                    key=lambda candidate: self.cost(candidate, shape),
                )
        return arch


def _with_choice(arch: Arch, part: str, layer: int, choice: str) -> Arch:
    choices = list(getattr(arch, part))
    choices[layer] = choice
    return replace(arch, **{part: tuple(choices)})
