"""Widths and depths of a detector that are searched or chosen (beyond the paper).

A fixed network is built with the numbers that its architecture gives. A supernet is built with the
largest, and every layer uses the first channels of its weights that the active widths ask for.
"""

from collections.abc import Iterable, Mapping

from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from mmpanonas.errors import InputError
from mmpanonas.models.layers.attention import InterModularAttention
from mmpanonas.models.layers.choice import Searchable
from mmpanonas.models.layers.sliced import Rows, Size, first_columns, slice_layers
from mmpanonas.space import OPERATIONS, PARTS, Arch, NetworkShape, depth, scaled
from mmpanonas.space.model import value_at


class SizePart(Searchable, nn.Module):
    """A part whose choices are widths or depths.

    Args:
        name: a part whose kind has ``sizes``.
        bases: what the config says at each place.
        operations: choices, for all places or a list for each; None where ``arch`` fixes them.
        arch: as of every searchable part.
    """

    def __init__(self, name: str, bases: list[int], operations: object, arch: Arch | None) -> None:
        super().__init__()
        self.part_name, self.bases = name, bases
        self.declare_part(arch, len(bases), operations=operations)
        self.sizes = nn.ModuleList(
            Size({choice: _size(choice, base) for choice in self.choices_of(place)})
            for place, base in enumerate(bases)
        )

    @property
    def largest(self) -> tuple[str, ...]:
        """The choice of the largest size at every place."""
        return tuple(max(size.sizes, key=size.sizes.get) for size in self.sizes)

    def groups(self, groups: int, path: str) -> int:
        """Of a norm as wide as the largest size, that has ``groups`` at the width of the config.

        Raises:
            InputError: a size is no multiple of the channels of a group.
        """
        (base,), sizes = self.bases, self.sizes[0].sizes.values()
        for size in sizes:
            if base % groups or size % (base // groups):
                raise InputError(
                    f"{self.part_name}: a width of {size} is no multiple of the {base // groups} "
                    f"channels that the {groups} groups of model.{path}.norm_cfg have each; "
                    f"change num_groups"
                )
        return max(sizes) * groups // base


def size_parts(model: Mapping, elastic: Mapping | None, arch: Arch | None) -> list[SizePart]:
    """The parts of widths and depths that a detector has.

    Args:
        model: the configs of its modules by name.
        elastic: the key of its config: what each part chooses from.
        arch: of a fixed network; what it lacks is as ``model`` says.

    Raises:
        InputError: an unknown part, or a size that is not possible.
    """
    elastic = elastic or {}
    sized = [name for name, part in PARTS.items() if part.sizes]
    unknown = sorted(set(elastic) - set(sized))
    if unknown:
        raise InputError(f"model.elastic: unknown part {unknown[0]!r}; expected {', '.join(sized)}")
    names = [n for n in sized if (n in elastic if arch is None else getattr(arch, n))]
    shape = _shape(model) if names else None
    if "stage_widths" in names and not shape.braided:
        raise InputError(
            "model.elastic.stage_widths: widths share weights where channels lie for it: set "
            "model.backbone.shuffle='braided'"
        )
    return [SizePart(n, _bases(n, shape), elastic.get(n), arch) for n in names]


def _shape(model: Mapping) -> NetworkShape:
    return NetworkShape.of_model(model, classes=False)


def _bases(name: str, shape: NetworkShape) -> list[int]:
    found = dict(
        stage_widths=shape.channels,
        stage_depths=shape.blocks,
        pyramid_width=[shape.neck_channels],
        mask_width=[shape.mask_channels],
        semantic_width=[shape.semantic_channels],
    )
    return list(found[name])


def _size(choice: str, base: int) -> int:
    if OPERATIONS[choice].depth is None:
        return scaled(base, choice)
    if depth(choice) > base:
        raise InputError(
            f"stage_depths: {choice} asks for more than the {base} blocks of its stage"
        )
    return depth(choice)


def resized(model: Mapping, parts: list[SizePart]) -> ConfigDict:
    """The configs of the modules of a network with the largest sizes of ``parts``.

    Group norms keep the size of their groups. Hidden widths of attention are rounded down, as the
    slices of a supernet are.

    Raises:
        InputError: a width is no multiple of a group.
    """
    widths = {p.part_name: p.largest for p in parts if p.part_name != "stage_depths"}
    config = Config(dict(model=model))
    config.merge_from_dict(dict(model=_shape(model).at(Arch(**widths)).model_keys(model)))
    for part in parts:
        path = _NORMED.get(part.part_name)
        groups = path and value_at(model, f"{path}.norm_cfg.num_groups", None)
        if groups:
            config.merge_from_dict({f"model.{path}.norm_cfg.num_groups": part.groups(groups, path)})
        attention = _GATED.get(part.part_name)
        if attention and config.model.get(attention):
            config.merge_from_dict({f"model.{attention}.allow_remainder": True})
    return config.model


#: Where the group norms of a part's width are.
_NORMED = {
    "pyramid_width": "neck",
    "mask_width": "roi_head.mask_head",
    "semantic_width": "semantic_head",
}

#: The attention that gates maps of a part's width.
_GATED = {"pyramid_width": "stuff_to_things", "semantic_width": "things_to_stuff"}


def slice_detector(model: nn.Module, parts: Iterable[SizePart]) -> None:
    """Let the layers of a detector, built with the largest sizes, follow the active ones.

    What is sliced already stays.
    """
    sizes = {part.part_name: list(part.sizes) for part in parts if part.part.fixed is None}
    if "stage_depths" in sizes:
        model.backbone.depths = tuple(sizes.pop("stage_depths"))
    if not sizes:
        return
    stages = sizes.get("stage_widths", [None] * 5)
    pyramid, mask, semantic = (
        sizes.get(name, [None])[0] for name in ("pyramid_width", "mask_width", "semantic_width")
    )
    check_sliceable(model)
    slice_layers(model.backbone.stem, _rows(stages[0]))
    for stage, size in zip(model.backbone.stages, stages[1:], strict=True):
        slice_layers(stage, _rows(size, 2))
    slice_layers(model.neck, _rows(pyramid))
    if pyramid is not None:
        wide = model.rpn_head.feat_channels
        most = max(pyramid.sizes.values())
        slice_layers(model.rpn_head.rpn_conv, Rows(pyramid, lambda size: size * wide // most))
    slice_layers(model.rpn_head)
    head = model.roi_head
    slice_layers(head.mask_head.conv_logits)
    slice_layers(head.mask_head, _rows(mask))
    slice_layers(head)
    slice_layers(model.semantic_head.conv_logits, blocks=model.semantic_head.num_levels)
    slice_layers(model.semantic_head, _rows(semantic))
    _slice_gates(model.things_to_stuff, semantic)
    _slice_gates(model.stuff_to_things, pyramid)


def _rows(size: Size | None, parts: int = 1) -> Rows | None:
    return None if size is None else Rows(size, lambda channels: channels // parts)


#: Maps that an attention averages: P3 to P6, or those of the semantic head.
_MAPS = 4


def _slice_gates(attention: InterModularAttention | None, size: Size | None) -> None:
    if attention is None:
        return
    narrowest = min(size.sizes.values()) if size else max(attention.ratios.values())
    if narrowest < max(attention.ratios.values()):
        raise InputError(
            f"{attention.part_name}: a ratio of {max(attention.ratios.values())} leaves nothing of "
            f"{narrowest} channels, the narrowest of model.elastic; widen it or change operations"
        )
    for gate in attention.gates:
        for choice, net in gate.items():
            ratio = attention.ratios[choice]
            slice_layers(net.fc1, _rows(size, ratio), blocks=_MAPS)
            slice_layers(net.fc2, _rows(size))


def check_sliceable(model: nn.Module) -> None:
    """Raise ``InputError`` where an operation is any module, which says no widths."""
    for part in model.searchable_parts:
        for name in part.part.operations:
            if OPERATIONS[name].build:
                raise InputError(
                    f"model.elastic: operation {name} of {part.part_name} is any module, whose "
                    f"widths cannot be sliced; give it convs (docs/space.md), or leave it out of "
                    f"an elastic network"
                )


def weights_of_path(supernet: nn.Module, network: nn.Module) -> dict[str, Tensor]:
    """The weights of ``supernet`` that ``network`` has, by name, sliced to its widths.

    ``network`` is the fixed network of one of the supernet's paths.
    """
    state, found = supernet.state_dict(), {}
    for name, weight in network.state_dict().items():
        wide = state[name]
        if weight.dim() > 1:
            # Maps that lie side by side in the input of the layer.
            blocks = getattr(supernet.get_submodule(name.rpartition(".")[0]), "blocks", 1)
            wide = first_columns(wide, weight.shape[1], blocks)
        found[name] = wide[tuple(slice(length) for length in weight.shape)]
    return found
