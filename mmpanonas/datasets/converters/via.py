"""The JSON of VGG Image Annotator (VIA 1 and 2) as scenes: polygons, rectangles, circles, ellipses.

Either the annotations as they are exported, or the whole project. A region's label is the value of
one of its attributes. Points and lines are left out.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from mmpanonas.datasets.annotations.file import read_bytes, read_json
from mmpanonas.datasets.converters.regions import (
    POINT,
    Drawing,
    Region,
    draw_source,
    ellipse,
    rectangle,
)
from mmpanonas.datasets.converters.writing import Source
from mmpanonas.errors import InputError

_FLAT = {"point", "polyline"}
_Points = Sequence[tuple[float, float]]


def read_via(
    ann_file: Path,
    pictures: Path,
    stuff: Sequence[str] = (),
    ignored: Collection[str] = (),
    attribute: str | None = None,
) -> Source:
    """The pictures of a JSON file that have a region.

    Args:
        pictures: folder of the pictures.
        stuff: labels of stuff; all others are things.
        ignored: labels that become void.
        attribute: whose values are the labels; None: the only one.

    Raises:
        InputError: the file is none of VIA's, or a region cannot be read.
    """
    content = read_json(read_bytes(ann_file), str(ann_file))
    entries = content.get("_via_img_metadata", content) if isinstance(content, dict) else None
    found = [*entries.values()] if isinstance(entries, dict) else []
    if not found or not all(isinstance(e, dict) and "filename" in e for e in found):
        raise InputError(
            f"'{ann_file}' is no JSON of VIA: pictures with 'filename' and 'regions' were expected"
        )
    pairs = [(str(entry["filename"]), _regions(ann_file, entry)) for entry in found]
    pairs = [(name, regions) for name, regions in pairs if regions]
    names = sorted({key for _, regions in pairs for r in regions for key in r["region_attributes"]})
    if attribute is None and len(names) == 1:
        attribute = names[0]
    if attribute not in names:
        raise InputError(
            f"'{ann_file}': regions have the attributes {', '.join(names) or '(none)'}; say by "
            f"--attribute whose values are the labels"
        )
    flat, drawings = [], []
    for name, regions in pairs:
        drawn = []
        for number, region in enumerate(regions):
            where = f"'{ann_file}', picture '{name}', region {number}"
            label, kind = _label(region, attribute, where), region["shape_attributes"].get("name")
            if kind in _FLAT:
                flat.append(label)
            else:
                drawn.append(Region(label, _outline(kind, region["shape_attributes"], where)))
        drawings.append(Drawing(pictures / name, drawn, f"'{ann_file}'"))
    return draw_source(drawings, stuff, ignored, flat, pictures)


def _regions(ann_file: Path, entry: Mapping) -> list[dict]:
    """VIA 1 numbers them by keys."""
    found = entry.get("regions") or []
    regions = [*found.values()] if isinstance(found, dict) else found
    parts = ("shape_attributes", "region_attributes")
    if not isinstance(regions, list) or not all(
        isinstance(r, dict) and all(isinstance(r.get(part), dict) for part in parts)
        for r in regions
    ):
        raise InputError(f"'{ann_file}', picture '{entry['filename']}': regions without {parts}")
    return regions


def _label(region: Mapping, attribute: str, where: str) -> str:
    """A text, or of boxes to tick the only one that is."""
    value = region["region_attributes"].get(attribute)
    if isinstance(value, dict):
        ticked = [name for name, state in value.items() if state]
        value = ticked[0] if len(ticked) == 1 else None
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where} has no label (the attribute {attribute!r})")
    return value.strip()


def _outline(kind: object, shape: Mapping, where: str) -> _Points:
    if kind not in _SHAPES:
        raise InputError(
            f"{where} is a {kind!r}; {', '.join(sorted({*_SHAPES, *_FLAT}))} are known"
        )
    try:
        points = _SHAPES[kind](shape)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: a {kind} needs other values ({error!r})") from None
    if len(points) < 3 or not all(map(POINT.fits, points)):
        raise InputError(f"{where}: a {kind} of {len(points)} points x, y; 3 or more are needed")
    return points


def _ellipse(shape: Mapping) -> _Points:
    degrees = math.degrees(shape.get("theta", 0))
    return ellipse(shape["cx"], shape["cy"], shape["rx"], shape["ry"], degrees)


_SHAPES: dict[str, Callable[[Mapping], _Points]] = {
    "polygon": lambda s: [*zip(s["all_points_x"], s["all_points_y"], strict=True)],
    "rect": lambda s: rectangle(s["x"], s["y"], s["x"] + s["width"], s["y"] + s["height"]),
    "circle": lambda s: ellipse(s["cx"], s["cy"], s["r"], s["r"]),
    "ellipse": _ellipse,
}
