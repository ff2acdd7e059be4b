"""What the JSON says of a segment's area and box against the pixels of its PNG."""

from collections.abc import Iterator, Sequence

Box = Sequence[float]

PIXELS, SHARE = 2, 0.1
"""A side of a box may be off by this many pixels, or by this share of the box: a border counted
or not, a map that was resized."""
AREA_PIXELS, AREA_SHARE = 16, 0.5
"""So may the area of a thing: polygons count other pixels than they paint."""


def stopping_difference(
    segment: dict, area: int, box: Box, size: tuple[int, int], is_instance: bool
) -> str | None:
    """What makes a run learn or measure something else, or None.

    Args:
        segment: its entry in ``segments_info``.
        area, box: of its pixels; x, y, width, height.
        size: width and height of the picture.
        is_instance: whether a network learns the box: a thing, and no crowd.
    """
    stated, stated_area = segment["bbox"], segment["area"]
    if stated_area < 1:
        return f"area {stated_area:g} makes it void, though it has {area} pixels"
    if stated[2] < 1 or stated[3] < 1:
        return f"bbox {_text(stated)} makes it void{_looks_like(stated, box, size)}{_should(box)}"
    if not is_instance:
        return None
    if _differ(stated, box):
        return f"bbox is {_text(stated)}{_looks_like(stated, box, size)}{_should(box)}"
    if abs(stated_area - area) > max(AREA_PIXELS, AREA_SHARE * area):
        return f"area is {stated_area:g}, but it has {area} pixels"
    return None


def _differ(stated: Box, box: Box) -> bool:
    """Whether a left, right, upper or lower side is off by more than is allowed."""
    pairs = zip(_corners(*stated), _corners(*box), (*box[2:], *box[2:]), strict=True)
    return any(abs(a - b) > max(PIXELS, SHARE * length) for a, b, length in pairs)


def _looks_like(stated: Box, box: Box, size: tuple[int, int]) -> str:
    names = [name for name, other in _readings(stated, size) if not _differ(other, box)]
    return f", which looks like {names[0]}" if names else ""


def _readings(stated: Box, size: tuple[int, int]) -> Iterator[tuple[str, Box]]:
    """What else four numbers may mean, as x, y, width, height."""
    a, b, c, d = stated
    yield "x1 y1 x2 y2", (a, b, c - a, d - b)
    yield "centre x, centre y, width, height", (a - c / 2, b - d / 2, c, d)
    yield "y x height width", (b, a, d, c)
    yield "y1 x1 y2 x2", (b, a, d - b, c - a)
    if max(map(abs, stated)) <= 1:
        a, b, c, d = a * size[0], b * size[1], c * size[0], d * size[1]
        yield "fractions of the picture", (a, b, c, d)
        yield "x1 y1 x2 y2 as fractions of the picture", (a, b, c - a, d - b)
        yield "centre and size as fractions of the picture", (a - c / 2, b - d / 2, c, d)


def _should(box: Box) -> str:
    return f"; x y width height of its pixels: {_text(box)}"


def _corners(x: float, y: float, width: float, height: float) -> Box:
    return x, y, x + width, y + height


def _text(box: Box) -> str:
    return f"[{', '.join(f'{value:.6g}' for value in box)}]"
