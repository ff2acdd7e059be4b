"""What can be chosen: operations and the parts whose layers they stand in (paper, Table 1).

An operation says its convolutions once: the networks are built of them, and the cost is counted on
them. Operations and parts from outside the package are registered by a module that a config brings
in by ``custom_imports`` (docs/space.md).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mmpanonas.errors import InputError


class ArchError(InputError):
    """An architecture that cannot be read, or that does not fit its search space."""


@dataclass(frozen=True)
class Conv:
    """A convolution of an operation: square, odd kernels, padding that keeps the size.

    Attributes:
        kernel: side of the kernel.
        depthwise: one filter a channel; the width stays.
        dilation, groups: as PyTorch's.
        deformable: modulated, with offsets and mask that it finds itself; neither depthwise nor
            grouped nor dilated.

    Raises:
        InputError: another kernel, or a deformable one that is something else as well.
    """

    kernel: int
    depthwise: bool = False
    dilation: int = 1
    groups: int = 1
    deformable: bool = False

    def __post_init__(self) -> None:
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise InputError(f"Conv: expected an odd kernel, got {self.kernel}")
        if self.deformable and (self.depthwise or self.dilation > 1 or self.groups > 1):
            raise InputError("Conv: a deformable one is not depthwise, grouped or dilated")


class Placed(NamedTuple):
    """A convolution at its place in an operation."""

    conv: Conv
    cin: int
    cout: int
    stride: int

    @property
    def geometry(self) -> dict[str, int]:
        """Keyword arguments of a convolution, besides widths and kernel."""
        conv = self.conv
        return dict(
            stride=self.stride,
            padding=conv.dilation * (conv.kernel // 2),
            dilation=conv.dilation,
            groups=self.cin if conv.depthwise else conv.groups,
        )


@dataclass(frozen=True)
class Operation:
    """One choice of a searched layer.

    Attributes:
        name: as architectures and weights say it, such as "df_3x3".
        label: what a box of a diagram says.
        colour: of that box; ``dark``: its text is white.
        convs: what it is made of; the part says which norms and activations follow.
        ratio: of a gate of an attention: what divides its hidden width.
        build: where no ``convs`` say what it is: a function (cin, mid, cout, stride, norm_cfg) to
            a module from (N, cin, H, W) to (N, cout, H / stride, W / stride).
        count: beside ``build``: a function (cin, mid, cout, stride, size) to multiply-accumulates
            and parameters for one input of ``size`` (height, width).
        meaning: for the legend of diagrams.
        factor: of a width: what multiplies it.
        depth: of a stage: how many of its blocks there are.
    """

    name: str
    label: str
    colour: str
    convs: tuple[Conv, ...] = ()
    dark: bool = False
    ratio: int | None = None
    build: Callable | None = field(default=None, compare=False)
    count: Callable[..., tuple[int, int]] | None = field(default=None, compare=False)
    meaning: str = ""
    factor: float | None = None
    depth: int | None = None

    @property
    def kind(self) -> str:
        """What it is by: "ratio", "factor", "depth", or else "layers"."""
        said = (key for key in ("ratio", "factor", "depth") if getattr(self, key) is not None)
        return next(said, "layers")

    @property
    def kernel(self) -> int:
        """Of its first depthwise convolution, else of its largest one; 3 if none is said."""
        depthwise = [conv.kernel for conv in self.convs if conv.depthwise]
        return depthwise[0] if depthwise else max((c.kernel for c in self.convs), default=3)

    def placed(self, cin: int, mid: int, cout: int, stride: int = 1) -> Iterator[Placed]:
        """Its convolutions with their widths.

        Those that are not depthwise lead to ``mid``, the last of them to ``cout``. The first
        depthwise one has the stride, else the first that is not deformable.

        Raises:
            InputError: a stride, and all are deformable.
        """
        depthwise = [place for place, conv in enumerate(self.convs) if conv.depthwise]
        plain = [place for place, conv in enumerate(self.convs) if not conv.deformable]
        last = max(place for place, conv in enumerate(self.convs) if not conv.depthwise)
        if stride > 1 and not plain:
            raise InputError(f"operation {self.name}: no deformable convolution has a stride")
        strided = next(iter(depthwise or plain), None)
        for place, conv in enumerate(self.convs):
            width = cin if conv.depthwise else cout if place == last else mid
            yield Placed(conv, cin, width, stride if place == strided else 1)
            cin = width


@dataclass(frozen=True)
class PartKind:
    """A part of networks whose layers choose.

    Attributes:
        name: as architectures say it.
        operations: what its layers choose from unless a config says less, more or another order;
            a choice's place is its code.
        place, kind: where a model's config has the module that holds it, and the module's class.
        layers: the key of that module's config that says how many layers there are (a sum where
            it is a list), and what it is by default.
        sizes: instead of a module's layers, what has the sizes that are chosen, such as
            ("pyramid",); the key ``elastic`` of the model's config says which are searched.
    """

    name: str
    operations: tuple[str, ...]
    place: str = ""
    kind: str = ""
    layers: tuple[str, object] = ("", 0)
    sizes: tuple[str, ...] = ()


#: By name. Read them freely; written by :func:`register_operation` and :func:`register_part`.
OPERATIONS: dict[str, Operation] = {}
PARTS: dict[str, PartKind] = {}

#: Operations from outside that a part may have besides its own.
_GUESTS: dict[str, dict[str, None]] = {}


def register_operation(operation: Operation, parts: Sequence[str] = ()) -> Operation:
    """Let ``operation`` be chosen in ``parts``; once again changes nothing.

    It is chosen where a config lists it: ``model.backbone.operations=[...]``.

    Raises:
        InputError: another one has the name, there is no such part, or nothing says what it is.
    """
    name = operation.name
    if not name or "." in name:
        raise InputError(f"operation {name!r}: expected a name without dots")
    if operation.kind == "layers" and not (operation.convs or operation.build):
        raise InputError(f"operation {name}: give convs, or build and count")
    if operation.convs and all(conv.depthwise for conv in operation.convs):
        raise InputError(f"operation {name}: one convolution at least must not be depthwise")
    for part in parts:
        if part not in PARTS:
            raise InputError(f"operation {name}: unknown part {part!r}; known: {', '.join(PARTS)}")
        kind = OPERATIONS[PARTS[part].operations[0]].kind
        if kind != operation.kind:
            wanted = "convs, or build and count" if kind == "layers" else f"a {kind}"
            raise InputError(f"operation {name}: operations of {part} have {wanted}")
    _register(OPERATIONS, operation, "operation")
    for part in parts:
        _GUESTS.setdefault(part, {})[name] = None
    return operation


def register_part(part: PartKind) -> PartKind:
    """Let architectures have ``part``; once again changes nothing.

    Raises:
        InputError: another one has the name, or an operation of it is not registered.
    """
    for name in part.operations:
        if name not in OPERATIONS:
            raise InputError(f"part {part.name}: operation {name!r} is not registered")
    return _register(PARTS, part, "part")


def operations_of(part: str) -> tuple[str, ...]:
    """What layers of ``part`` can hold: its own operations in code order, then those of others."""
    return tuple(dict.fromkeys((*PARTS[part].operations, *_GUESTS.get(part, ()))))


def _register(registry: dict, item: Operation | PartKind, kind: str) -> Operation | PartKind:
    known = registry.setdefault(item.name, item)
    if known != item:
        raise InputError(f"{kind} {item.name!r} is registered already, as {known}")
    return item
