"""Multiply-accumulates and parameters of an architecture, without building a network.

Counted are convolutions, transposed convolutions and fully connected layers (one
multiply-accumulate each per weight use, biases free); parameters are all learnable
ones, norm layers and biases included. Sizes are in pixels of the network's input.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from mmpanonas.space.arch import Arch
from mmpanonas.space.elastic import skipped
from mmpanonas.space.operations import OPERATIONS, ArchError, Operation, Placed
from mmpanonas.space.published import ATTENTION_CHOICES, BACKBONE_CHOICES
from mmpanonas.space.shape import NetworkShape

#: The input size at which backbones are counted, as usual for classifiers.
IMAGENET_SIZE = (224, 224)

#: COCO's usual test picture, at which whole networks are counted.
TEST_SIZE = (800, 1333)

#: Of the square on which an operation without declared convolutions is counted for the heads.
_SIDE = 16


@dataclass(frozen=True)
class Cost:
    """Multiply-accumulates of one forward pass of one picture, and parameters."""

    macs: int = 0
    params: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.macs + other.macs, self.params + other.params)

    def __radd__(self, other: int) -> "Cost":
        return self if other == 0 else NotImplemented  # lets sum() start from 0


def _conv(cin: int, cout: int, kernel: int, places: int, groups: int = 1, bias: int = 0) -> Cost:
    weights = kernel * kernel * (cin // groups) * cout
    return Cost(weights * places, weights + bias * cout)


def _norm(channels: int) -> Cost:
    return Cost(0, 2 * channels)


def _half(size: tuple[int, int]) -> tuple[int, int]:
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def _depthwise(channels: int, kernel: int, places: int) -> Cost:
    return _conv(channels, channels, kernel, places, groups=channels) + _norm(channels)


def _pointwise(cin: int, cout: int, places: int) -> Cost:
    return _conv(cin, cout, 1, places) + _norm(cout)


@lru_cache(maxsize=65536)
def block_cost(
    choice: str,
    cin: int,
    cout: int,
    stride: int,
    size_in: tuple[int, int],
    size_out: tuple,
    braided: bool = False,
) -> Cost:
    """Cost of one searched block (paper, Table 1), batch norms included."""
    operation, after = OPERATIONS[choice], size_out[0] * size_out[1]
    projected = branch_widths(cin, cout, stride, braided)
    branch_in, branch_out = cin if stride == 2 else cin // 2, cout - projected
    cost = Cost()
    if stride == 2:
        cost += _depthwise(cin, operation.kernel, after) + _pointwise(cin, projected, after)
    if not operation.convs:
        return cost + _counted(operation, branch_in, cout // 2, branch_out, stride, size_in)
    places = size_in[0] * size_in[1]
    for placed in operation.placed(branch_in, cout // 2, branch_out, stride):
        places = after if placed.stride == stride == 2 else places
        cost += _conv_of(placed, places, bias=0) + _norm(placed.cout)
    return cost


def branch_widths(cin: int, cout: int, stride: int, braided: bool) -> int:
    """Channels of a block's output that its main branch does not make."""
    return cin if stride == 2 and not braided else cout // 2


def _conv_of(placed: Placed, places: int, bias: int) -> Cost:
    """One convolution of an operation; of a deformable one also what finds offsets and mask."""
    conv, cin, cout, _ = placed
    cost = _conv(cin, cout, conv.kernel, places, placed.geometry["groups"], bias)
    if conv.deformable:
        cost += _conv(cin, 3 * conv.kernel**2, conv.kernel, places, bias=1)
    return cost


def _counted(
    operation: Operation, cin: int, mid: int, cout: int, stride: int, size: tuple[int, int]
) -> Cost:
    if operation.count is None:
        raise ArchError(
            f"{operation.name}: nothing says its cost: give it convs, or count as "
            f"mmpanonas.models.register_module does"
        )
    return Cost(*operation.count(cin, mid, cout, stride, size))


@lru_cache(maxsize=4096)
def _blocks(shape: NetworkShape, size: tuple[int, int]) -> tuple[tuple, ...]:
    """The arguments of :func:`block_cost` besides the choice, of every searched block."""
    size, cin, blocks = _half(size), shape.channels[0], []
    for cout, depth in zip(shape.channels[1:], shape.blocks, strict=True):
        for place in range(depth):
            stride = 2 if place == 0 else 1
            size_out = _half(size) if stride == 2 else size
            blocks.append((cin, cout, stride, size, size_out, shape.braided))
            cin, size = cout, size_out
    return tuple(blocks)


def _stem_cost(shape: NetworkShape, size: tuple[int, int]) -> Cost:
    height, width = _half(size)
    return _conv(3, shape.channels[0], 3, height * width, bias=1) + _norm(shape.channels[0])


def backbone_cost(
    arch: Arch, shape: NetworkShape = NetworkShape(), size: Sequence[int] = IMAGENET_SIZE
) -> Cost:
    """Cost of the backbone for an input of ``size`` (height, width).

    Raises:
        ArchError: the architecture has another number of blocks than ``shape``.
    """
    _check_layers("backbone", arch.backbone, sum(shape.blocks))
    choices, shape = kept_blocks(arch, shape), shape.at(arch)
    places = zip(choices, _blocks(shape, tuple(size)), strict=True)
    return _stem_cost(shape, tuple(size)) + sum(block_cost(c, *block) for c, block in places)


def kept_blocks(arch: Arch, shape: NetworkShape) -> tuple[str, ...]:
    """The choices of the blocks that the depths of ``arch`` leave."""
    without = set(skipped(arch.stage_depths, shape.blocks)) if arch.stage_depths else ()
    return tuple(c for place, c in enumerate(arch.backbone) if place not in without)


def _check_layers(part: str, choices: Sequence[str], layers: int) -> None:
    if len(choices) != layers:
        raise ArchError(f"{part}: expected {layers} choices, got {len(choices)}")


def network_cost(
    arch: Arch, shape: NetworkShape = NetworkShape(), size: Sequence[int] = TEST_SIZE
) -> dict[str, Cost]:
    """Cost of every module of the whole network for an input of ``size``, by its name.

    The heads' regions are as many as ``shape`` says, whatever the picture holds. A head that
    ``arch`` lacks has plain 3x3 layers; an attention that it lacks is not there.

    Raises:
        ArchError: a part of the architecture has another number of layers than ``shape``.
    """
    levels = _pyramid_sizes(tuple(size))
    backbone, shape = backbone_cost(arch, shape, size), shape.at(arch)
    neck, rpn_head, bbox_head = _fixed_costs(shape, levels)
    cost = {
        "backbone": backbone,
        "neck": neck,
        "rpn_head": rpn_head,
        "bbox_head": bbox_head,
        "mask_head": _mask_cost(arch.mask_head, shape),
        "semantic_head": _semantic_cost(arch.semantic_head, shape, levels),
    }
    return cost | _attention_costs(arch, shape)


def cost_range(
    shape: NetworkShape = NetworkShape(),
    size: Sequence[int] = IMAGENET_SIZE,
    quantity: str = "macs",
    archs: Sequence[Arch] = (),
) -> tuple[int, int]:
    """Smallest and largest ``quantity`` ("macs" or "params") of any backbone of the space.

    ``archs``: the widths and depths that stand for all, one of them the cheapest and one the
    dearest; those of ``shape`` if none is given.
    """
    bounds = [_range_at(shape.at(arch), tuple(size), quantity) for arch in archs or (Arch(),)]
    return min(low for low, _ in bounds), max(high for _, high in bounds)


def _range_at(shape: NetworkShape, size: tuple[int, int], quantity: str) -> tuple[int, int]:
    low = high = getattr(_stem_cost(shape, size), quantity)
    for block in _blocks(shape, size):
        costs = [getattr(block_cost(choice, *block), quantity) for choice in BACKBONE_CHOICES]
        low, high = low + min(costs), high + max(costs)
    return low, high


@lru_cache(maxsize=64)
def _pyramid_sizes(size: tuple[int, int]) -> tuple[int, ...]:
    """Number of places on P2 to P6."""
    sizes = [_half(size)]
    for _ in range(5):
        sizes.append(_half(sizes[-1]))
    return tuple(height * width for height, width in sizes[1:])


@lru_cache(maxsize=4096)
def _fixed_costs(shape: NetworkShape, levels: tuple[int, ...]) -> tuple[Cost, Cost, Cost]:
    """Neck, RPN and box head, which no choice changes."""
    return _neck_cost(shape, levels), _rpn_cost(shape, levels), _bbox_cost(shape)


def _neck_cost(shape: NetworkShape, levels: tuple[int, ...]) -> Cost:
    width = shape.neck_channels
    bias, norm = not shape.neck_norm, _norm(width) if shape.neck_norm else Cost()
    pairs = zip(shape.channels[1:], levels, strict=False)
    lateral = (_conv(c, width, 1, n, bias=bias) + norm for c, n in pairs)
    smooth = (_conv(width, width, 3, n, bias=bias) + norm for n in levels[:4])
    return sum(lateral) + sum(smooth)


def _rpn_cost(shape: NetworkShape, levels: tuple[int, ...]) -> Cost:
    width, places = shape.rpn_channels, sum(levels)
    return _conv(shape.neck_channels, width, 3, places, bias=1) + _conv(
        width, (6 if shape.rpn_softmax else 5) * shape.num_anchors, 1, places, bias=1
    )


def _bbox_cost(shape: NetworkShape) -> Cost:
    rois, width, bias = shape.box_rois, shape.fc_channels, not shape.fc_norm
    cost = _conv(shape.box_places * shape.neck_channels, width, 1, rois, bias=bias)
    cost += _conv(width, width, 1, rois, bias=bias)
    if shape.fc_norm:
        cost += _norm(width) + _norm(width)
    boxes = 4 if shape.box_agnostic else 4 * shape.num_things
    return cost + _conv(width, shape.num_things + 1 + boxes, 1, rois, bias=1)


def _mask_cost(choices: Sequence[str], shape: NetworkShape) -> Cost:
    places, width = shape.mask_places * shape.mask_rois, shape.mask_channels
    widths = [shape.neck_channels] + [width] * shape.mask_layers
    upsample = _conv(width, width, 2, places, bias=1)
    masks = 1 if shape.mask_agnostic else shape.num_things
    logits = _conv(width, masks, 1, 4 * places, bias=1)
    return _layers_cost("mask_head", choices, widths, places) + upsample + logits


def _semantic_cost(choices: Sequence[str], shape: NetworkShape, levels: tuple[int, ...]) -> Cost:
    places, width = sum(levels[:4]), shape.semantic_channels
    widths = [shape.neck_channels] + [width] * shape.semantic_layers
    logits = _conv(4 * width, shape.num_stuff + 1, 1, levels[0], bias=1)
    return _layers_cost("semantic_head", choices, widths, places) + logits


def _layers_cost(part: str, choices: Sequence[str], widths: Sequence[int], places: int) -> Cost:
    pairs = list(pairwise(widths))
    if not choices:
        return sum(_conv(a, b, 3, places) + _norm(b) for a, b in pairs)
    _check_layers(part, choices, len(pairs))
    return sum(head_op_cost(c, *pair, places) for c, pair in zip(choices, pairs, strict=True))


@lru_cache(maxsize=65536)
def head_op_cost(choice: str, cin: int, cout: int, places: int) -> Cost:
    """Cost of one operation of the heads on ``places`` pixels (paper, Table 1), norm included."""
    operation = OPERATIONS[choice]
    if not operation.convs:  # every layer keeps the size, so that the cost grows with the places
        cost = _counted(operation, cin, cout, cout, 1, (_SIDE, _SIDE))
        return Cost(cost.macs * places // _SIDE**2, cost.params)
    convs = operation.placed(cin, cout, cout)
    return sum(_conv_of(placed, places, bias=1) for placed in convs) + _norm(cout)


def _attention_costs(arch: Arch, shape: NetworkShape) -> dict[str, Cost]:
    neck, semantic, costs = shape.neck_channels, shape.semantic_channels, {}
    for part, cin, cout, gates, ratios in (
        ("things_to_stuff", 4 * neck, semantic, 4, shape.things_to_stuff_ratios),
        ("stuff_to_things", 4 * semantic, neck, 5, shape.stuff_to_things_ratios),
    ):
        choices = getattr(arch, part)
        if choices:
            _check_layers(part, choices, gates)
            widths = [cout // _ratio(choice, ratios) for choice in choices]
            costs[part] = sum(_gate_cost(cin, hidden, cout) for hidden in widths)
    return costs


def _ratio(choice: str, ratios: Sequence[int]) -> int:
    """What a choice divides the width by: the config says it of the published ones."""
    if choice in ATTENTION_CHOICES:
        return ratios[ATTENTION_CHOICES.index(choice)]
    return OPERATIONS[choice].ratio


@lru_cache(maxsize=256)
def _gate_cost(cin: int, hidden: int, cout: int) -> Cost:
    return _conv(cin, hidden, 1, 1, bias=1) + _conv(hidden, cout, 1, 1, bias=1)
