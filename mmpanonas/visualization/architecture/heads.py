"""The right side of an architecture diagram: semantic head, attention, thing branch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mmpanonas.space import ATTENTION_CHOICES, OPERATIONS, PART_CHOICES, Arch, NetworkShape
from mmpanonas.visualization.architecture.boxes import (
    BOX_H,
    BOX_W,
    GAP,
    PAD,
    PLAIN,
    chain_height,
    choice_colours,
    choice_label,
    draw_card,
    draw_chain,
    draw_choice,
)
from mmpanonas.visualization.canvas import FAINT, INK, TIMES, Canvas

# Lengths in inches.
COLUMNS = 4
HEADS_W = COLUMNS * (BOX_W + GAP) - GAP + 2 * PAD
HEADER = 0.56  # title and one line under it
LINE_H = 0.2
CARD_GAP = 0.36
FUSION_H = 0.36
LEVELS = ("P2", "P3", "P4", "P5", "P6")


@dataclass(frozen=True)
class Card:
    """A panel of the right side: its height, and how to draw it at (x, y)."""

    name: str
    height: float
    draw: Callable[[Canvas, float, float], None]


def head_cards(arch: Arch, shape: NetworkShape) -> list[Card]:
    """The panels from top to bottom; the attention's only when ``arch`` has it."""
    cards = [_semantic_card(arch, shape), _thing_card(arch, shape)]
    if arch.things_to_stuff or arch.stuff_to_things:
        cards.insert(1, _attention_card(arch))
    return cards


def heads_height(cards: list[Card]) -> float:
    """Inches from the first panel's top to the bottom of the fusion box."""
    return sum(card.height + CARD_GAP for card in cards) + FUSION_H


def draw_heads(
    canvas: Canvas, cards: list[Card], x: float, top: float, bottom: float, tap: tuple
) -> None:
    """Draw the panels between ``top`` and ``bottom``.

    They are joined to the pyramid by a line whose lower end is ``tap`` (x, y).
    """
    bus, bus_bottom = tap
    gap = CARD_GAP + (bottom - top - heads_height(cards)) / len(cards)
    y, edges = top, {}
    for card in cards:
        draw_card(canvas, x, y, HEADS_W, card.height)
        card.draw(canvas, x + PAD, y)
        edges[card.name] = (y, y + card.height)
        middle = y + card.height / 2
        if card.name == "attention":
            canvas.arrow([(bus, middle - 0.1), (x, middle - 0.1)])
            canvas.arrow([(x, middle + 0.1), (bus, middle + 0.1)])
        else:
            canvas.arrow([(bus, middle), (x, middle)])
        y += card.height + gap
    first = sum(edges["semantic"]) / 2
    canvas.line([(bus, first), (bus, bus_bottom)])
    _draw_attention_links(canvas, x, edges)
    _draw_fusion(canvas, x, bottom - FUSION_H, edges)


def _draw_attention_links(canvas: Canvas, x: float, edges: dict) -> None:
    """Both ways between the semantic features and the attention modules."""
    if "attention" not in edges:
        return
    upper, lower = edges["semantic"][1], edges["attention"][0]
    left, right = x + HEADS_W / 2 - 0.12, x + HEADS_W / 2 + 0.12
    canvas.arrow([(left, upper), (left, lower)])
    canvas.arrow([(right, lower), (right, upper)])


def _draw_fusion(canvas: Canvas, x: float, y: float, edges: dict) -> None:
    canvas.box(x, y, HEADS_W, FUSION_H, INK, zorder=2)
    canvas.text(
        x + HEADS_W / 2,
        y + FUSION_H / 2,
        "Panoptic fusion: things first, stuff in what is left",
        9,
        color="white",
        zorder=3,
    )
    canvas.arrow([(x + HEADS_W / 2, edges["things"][1]), (x + HEADS_W / 2, y)])
    upper, right = sum(edges["semantic"]) / 2, x + HEADS_W
    level = y + FUSION_H / 2
    out = right + 0.15
    canvas.arrow([(right, upper), (out, upper), (out, level), (right, level)])


def _header(canvas: Canvas, x: float, y: float, title: str, line: str) -> None:
    canvas.text(x, y + 0.18, title, 11, ha="left", weight="bold")
    canvas.text(x, y + 0.39, line, 8.5, ha="left", color=FAINT)


def _layers(choices: tuple[str, ...], count: int) -> tuple[str, ...]:
    return choices or ("conv",) * count


def _semantic_card(arch: Arch, shape: NetworkShape) -> Card:
    layers = _layers(arch.semantic_head, shape.semantic_layers)
    height = HEADER + chain_height(len(layers), COLUMNS) + LINE_H + 0.16

    def draw(canvas: Canvas, x: float, y: float) -> None:
        width = shape.semantic_channels
        _header(canvas, x, y, "Semantic head (stuff)", f"shared by P2 to P5, {width} channels")
        draw_chain(canvas, x, y + HEADER, layers, COLUMNS, "semantic_head")
        text = f"resize, concatenate, 1{TIMES}1 to {shape.num_stuff} stuff classes + thing"
        canvas.text(x, y + height - 0.17, text, 8.5, ha="left", color=FAINT)

    return Card("semantic", height, draw)


def _thing_card(arch: Arch, shape: NetworkShape) -> Card:
    layers = _layers(arch.mask_head, shape.mask_layers)
    height = HEADER + chain_height(len(layers), COLUMNS) + 2 * LINE_H + 0.16

    def draw(canvas: Canvas, x: float, y: float) -> None:
        line = f"on 14{TIMES}14 features of each region, {shape.mask_channels} channels"
        _header(canvas, x, y, "Mask head (things)", line)
        draw_chain(canvas, x, y + HEADER, layers, COLUMNS, "mask_head")
        lines = (
            f"deconvolution to 28{TIMES}28, 1{TIMES}1 to {shape.num_things} thing classes",
            f"boxes: RPN, 7{TIMES}7 features, two FC layers of {shape.fc_channels}",
        )
        for place, text in enumerate(lines):
            below = y + height - 0.17 - (1 - place) * LINE_H
            canvas.text(x, below, text, 8.5, ha="left", color=FAINT)

    return Card("things", height, draw)


def _attention_card(arch: Arch) -> Card:
    rows = [
        (part, text, getattr(arch, part))
        for part, text in (
            ("things_to_stuff", "things → stuff: P3 to P6 gate each level's semantic features"),
            ("stuff_to_things", "stuff → things: semantic features gate each pyramid level"),
        )
        if getattr(arch, part)
    ]
    row_height = LINE_H + BOX_H + 0.32
    height = 0.34 + row_height * len(rows)

    def draw(canvas: Canvas, x: float, y: float) -> None:
        canvas.text(x, y + 0.18, "Inter-modular attention", 11, ha="left", weight="bold")
        for place, (part, text, choices) in enumerate(rows):
            top = y + 0.34 + place * row_height
            canvas.text(x, top + 0.07, text, 8, ha="left", color=FAINT)
            _draw_modules(canvas, x, top + LINE_H, choices, part)

    return Card("attention", height, draw)


def _draw_modules(canvas: Canvas, x: float, y: float, choices: tuple[str, ...], part: str) -> None:
    """Boxes side by side, each with its pyramid level under it."""
    count = max(len(choices), len(LEVELS))
    width = (HEADS_W - 2 * PAD - (count - 1) * 0.12) / count
    for place, choice in enumerate(choices):
        left = x + place * (width + 0.12)
        draw_choice(canvas, left, y, choice, f"{part}_{place}_{choice}", width)
        canvas.text(left + width / 2, y + BOX_H + 0.1, f"P{place + 2}", 8.5, color=FAINT)


def head_families(arch: Arch) -> list[tuple[str, tuple[str, ...], str]]:
    """Legend rows of the right side: short name, face colours, meaning; only what is drawn."""
    searched = {choice.partition("_")[0] for choice in arch.mask_head + arch.semantic_head}
    rows = [
        (short.upper(), tuple(choice_colours(f"{short}_{k}x{k}")[0] for k in (3, 5)), meaning)
        for short, meaning in (
            ("dw", "depthwise separable"),
            ("df", "modulated deformable"),
            ("at", "dilated by 2"),
        )
        if short in searched
    ]
    for part in ("mask_head", "semantic_head"):
        rows += [row for row in other_operations(getattr(arch, part), part) if row not in rows]
    if not (arch.mask_head and arch.semantic_head):
        rows.append(("Conv", (PLAIN.colour,), "plain convolution, not searched"))
    if arch.things_to_stuff or arch.stuff_to_things:
        faces = tuple(choice_colours(ratio)[0] for ratio in ATTENTION_CHOICES)
        rows.append(("r", faces, "attention with reduction ratio r"))
    return rows


def other_operations(choices: Sequence[str], part: str) -> list[tuple[str, tuple[str, ...], str]]:
    """Legend rows of what is drawn and none of the paper's."""
    others = dict.fromkeys(choice for choice in choices if choice not in PART_CHOICES[part])
    return [(choice_label(c), (choice_colours(c)[0],), OPERATIONS[c].meaning) for c in others]
