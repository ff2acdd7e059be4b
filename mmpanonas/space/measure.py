"""What an architecture costs: one idea for limits, second goals and reports."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmpanonas.errors import InputError
from mmpanonas.space.arch import Arch
from mmpanonas.space.cost import IMAGENET_SIZE, TEST_SIZE, backbone_cost, network_cost
from mmpanonas.space.latency import LatencyTable
from mmpanonas.space.shape import NetworkShape
from mmpanonas.space.space import SearchSpace
from mmpanonas.values import Size, check_fields

#: What can be measured, in words.
QUANTITIES = {"macs": "MACs", "params": "parameters", "latency": "latency in ms"}

#: Input of the MACs unless told otherwise.
USUAL_SIZE = {"backbone": IMAGENET_SIZE, "network": TEST_SIZE}


@dataclass(frozen=True)
class CostMeasure:
    """A quantity that every architecture has.

    Attributes:
        quantity: "macs" (multiply-accumulates), "params", or "latency" (milliseconds).
        scope: "backbone" or "network".
        size: height and width of the input that MACs are counted at; 224 x 224 for the
            backbone and 800 x 1333 for the network unless told. A latency's is its table's;
            another one is refused.
        table: file of ``measure_latency.py``; for "latency" alone.

    Raises:
        InputError: another quantity or scope, or a latency table that cannot be read.
    """

    quantity: str
    scope: str = "backbone"
    size: Size | None = None
    table: str | None = None
    _latency: LatencyTable | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.quantity not in QUANTITIES or self.scope not in USUAL_SIZE:
            raise InputError(
                f"a cost is 'macs', 'params' or 'latency' of 'backbone' or 'network', "
                f"got {self.quantity!r} of {self.scope!r}"
            )
        if (self.quantity == "latency") != (self.table is not None):
            raise InputError(
                f"a table belongs to quantity='latency' and to no other, got quantity="
                f"{self.quantity!r}, table={self.table!r}"
            )
        size = USUAL_SIZE[self.scope] if self.size is None else self._checked_size()
        if self.table is not None:
            object.__setattr__(self, "_latency", LatencyTable.load(self.table))
            if self.size is not None and size != self._latency.size:
                raise InputError(
                    f"size={size}: latency table {self.table} was measured at {self._latency.size}"
                )
            size = self._latency.size
        object.__setattr__(self, "size", tuple(size))

    def _checked_size(self) -> tuple[int, int]:
        size = tuple(self.size) if isinstance(self.size, list | tuple) else ()
        if len(size) != 2 or not all(type(side) is int and side > 0 for side in size):
            raise InputError(f"the size of a cost is (height, width) in pixels, got {self.size!r}")
        return size

    def of(self, arch: Arch, shape: NetworkShape) -> float:
        """What ``arch`` costs in a network of these widths; whole MACs and parameters.

        Raises:
            InputError: the latency table is that of another network.
        """
        if self._latency is not None:
            return self._latency.of(arch, shape, self.scope)
        if self.scope == "backbone":
            total = backbone_cost(arch, shape, self.size)
        else:
            total = sum(network_cost(arch, shape, self.size).values())
        return getattr(total, self.quantity)

    def cheapest(self, space: SearchSpace, shape: NetworkShape) -> Arch:
        """The architecture that costs least, having asked for every choice of every layer.

        Costs add up over layers, so each layer's cheapest choice is best on its own, and widths,
        on which the cost of others depends, come last: all layers are gone through again until
        nothing is cheaper.

        Raises:
            InputError: the latency table is that of another network.
        """
        codes, before = [0] * len(space.num_choices), None
        while codes != before:
            before = codes
            for layer, choices in enumerate(space.num_choices):
                others = [[*codes[:layer], code, *codes[layer + 1 :]] for code in range(choices)]
                others.insert(0, codes)  # which stays unless another one is cheaper
                codes = min(others, key=lambda tried: self.of(space.decode(tried), shape))
        return space.decode(codes)

    @property
    def key(self) -> str:
        """A short name for tables: "backbone_macs", "network_latency_ms_gpu" (of gpu.json)."""
        name = f"{self.scope}_{self.quantity}"
        if self.table is not None:
            return f"{name}_ms_{Path(self.table).stem}"
        if self.quantity == "params" or self.size == USUAL_SIZE[self.scope]:
            return name
        return f"{name}_{self.size[0]}x{self.size[1]}"

    def __str__(self) -> str:
        words = f"{QUANTITIES[self.quantity]} of the {self.scope}"
        if self.quantity != "params":
            words += f" at {self.size[0]}x{self.size[1]}"
        return words if self._latency is None else f"{words} on {self._latency.device}"

    def show(self, value: float) -> str:
        """``value`` with as many digits as it deserves."""
        return f"{value:,.0f}" if self._latency is None else f"{value:,.4g}"


#: What every result of a search states.
REPORTED = tuple(
    CostMeasure(quantity, scope) for scope in USUAL_SIZE for quantity in ("macs", "params")
)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of the (score, cost) points that none dominates, by rising cost.

    A point dominates another that scores no better, costs no less, and differs; of equal
    points the first is on the front.
    """
    front: list[int] = []
    order = sorted(range(len(points)), key=lambda i: (points[i][1], -points[i][0]))  # stable
    for place in order:
        if not front or points[place][0] > points[front[-1]][0]:
            front.append(place)
    return front
