"""The operations and the parts of the paper (Table 1), as data."""

from mmpanonas.space.operations import Conv, Operation, PartKind, register_operation, register_part


def _shuffle(kernel: int) -> tuple[Conv, ...]:
    return Conv(1), Conv(kernel, depthwise=True), Conv(1)


def _separable(kernel: int) -> tuple[Conv, ...]:
    return Conv(kernel, depthwise=True), Conv(1)


def _deformable(kernel: int) -> tuple[Conv, ...]:
    return (Conv(kernel, deformable=True),)


def _dilated(kernel: int) -> tuple[Conv, ...]:
    return (Conv(kernel, dilation=2),)


#: Within a family darker means larger, and the label says it too, so that grey print and
#: colour-blind eyes lose nothing.
_OPERATIONS = (
    Operation("shuffle_3x3", "3x3", "#d3e6f6", _shuffle(3)),
    Operation("shuffle_5x5", "5x5", "#6fadde", _shuffle(5)),
    Operation("shuffle_7x7", "7x7", "#1b5a92", _shuffle(7), dark=True),
    Operation("xception", "Xception", "#f4a742", _separable(3) * 3),
    Operation("dw_3x3", "DW 3x3", "#cdecdc", _separable(3)),
    Operation("dw_5x5", "DW 5x5", "#5bb893", _separable(5)),
    Operation("df_3x3", "DF 3x3", "#e8d6ee", _deformable(3)),
    Operation("df_5x5", "DF 5x5", "#8a4f9e", _deformable(5), dark=True),
    Operation("at_3x3", "AT 3x3", "#fbeaae", _dilated(3)),
    Operation("at_5x5", "AT 5x5", "#cfa92c", _dilated(5)),
    Operation("r4", "r = 4", "#f7dad2", ratio=4),
    Operation("r8", "r = 8", "#e5967f", ratio=8),
    Operation("r16", "r = 16", "#a63d2a", ratio=16, dark=True),
)

#: The choices of each part in the paper's order; a choice's place is its integer code.
BACKBONE_CHOICES = ("shuffle_3x3", "shuffle_5x5", "shuffle_7x7", "xception")
HEAD_CHOICES = ("dw_3x3", "dw_5x5", "df_3x3", "df_5x5", "at_3x3", "at_5x5")
ATTENTION_CHOICES = ("r4", "r8", "r16")

_BLOCKS = ("blocks", (8, 8, 16, 8))
_PARTS = (
    PartKind("backbone", BACKBONE_CHOICES, "backbone", "SearchableShuffleNetV2", _BLOCKS),
    PartKind(
        "mask_head", HEAD_CHOICES, "roi_head.mask_head", "SearchableMaskHead", ("num_convs", 4)
    ),
    PartKind(
        "semantic_head", HEAD_CHOICES, "semantic_head", "SearchableSemanticHead", ("num_layers", 3)
    ),
    PartKind(
        "things_to_stuff", ATTENTION_CHOICES, "things_to_stuff", "ThingsToStuff", ("num_gates", 4)
    ),
    PartKind(
        "stuff_to_things", ATTENTION_CHOICES, "stuff_to_things", "StuffToThings", ("num_gates", 5)
    ),
)

for _operation in _OPERATIONS:
    register_operation(_operation)
for _part in _PARTS:
    register_part(_part)

#: The published parts in code order, and what each one chooses from.
PART_CHOICES = {part.name: part.operations for part in _PARTS}
