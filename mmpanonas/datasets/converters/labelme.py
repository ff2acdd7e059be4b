"""LabelMe's JSON files, one beside each picture: polygons, rectangles, circles and masks.

Points and lines have no area and are left out.
"""

import base64
import binascii
import io
import os
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmpanonas.datasets.annotations.file import read_bytes, read_json
from mmpanonas.datasets.converters.regions import (
    POINT,
    Drawing,
    Mask,
    Region,
    draw_source,
    ellipse,
    rectangle,
)
from mmpanonas.datasets.converters.writing import Source
from mmpanonas.errors import InputError

_FLAT = {"point", "line", "linestrip", "points"}
_POINTS = {"polygon": (3, None), "rectangle": (2, 2), "circle": (2, 2), "mask": (2, 2)}


def read_labelme(folder: Path, stuff: Sequence[str] = (), ignored: Collection[str] = ()) -> Source:
    """The pictures of a folder that have a JSON file.

    Args:
        stuff: labels of stuff; all others are things.
        ignored: labels that become void.

    Raises:
        InputError: a file is not LabelMe's, or ``stuff`` and ``ignored`` name what no file has.
    """
    names = sorted(folder.glob("[!.]*.json"))
    if not names:
        raise InputError(f"'{folder}' holds no .json file: give the folder of LabelMe's files")
    files = [(path, _read(path)) for path in names]
    shapes = [shape for _, content in files for shape in content["shapes"]]
    flat = [shape["label"] for shape in shapes if shape.get("shape_type") in _FLAT]
    return draw_source([_drawing(*each) for each in files], stuff, ignored, flat)


def _read(path: Path) -> dict:
    content = read_json(read_bytes(path), str(path))
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise _error(path, "has no list of shapes")
    if not isinstance(content.get("imagePath"), str):
        raise _error(path, "names no picture (imagePath)")
    for number, shape in enumerate(content["shapes"]):
        problem = _shape_problem(shape)
        if problem:
            raise _error(path, f"shapes[{number}] {problem}")
    return content


def _shape_problem(shape: object) -> str | None:
    if not isinstance(shape, dict) or not isinstance(shape.get("label"), str):
        return "has no label"
    kind = shape.get("shape_type") or "polygon"
    if kind in _FLAT:
        return None
    if kind not in _POINTS:
        return f"is a {kind!r}; {', '.join(sorted({*_POINTS, *_FLAT}))} are known"
    least, most = _POINTS[kind]
    points = shape.get("points")
    if not isinstance(points, list) or not all(map(POINT.fits, points)):
        return "has no list of points [x, y]"
    if len(points) < least or (most and len(points) > most):
        return f"has {len(points)} points; a {kind} has {least}{'' if most else ' or more'}"
    if kind == "mask" and _mask(shape) is None:
        return "has no mask of pixels (a PNG in base64)"
    return None


def _error(path: Path, problem: str) -> InputError:
    return InputError(f"'{path}' is no file of LabelMe: it {problem}")


def _drawing(path: Path, content: dict) -> Drawing:
    """LabelMe names the picture from the file's folder, on Windows with backslashes."""
    name = content["imagePath"].replace("\\", "/")
    picture = Path(os.path.normpath(path.absolute().parent / name))
    size = content.get("imageWidth"), content.get("imageHeight")
    regions = [
        Region(shape["label"], _outline(shape), _group(shape))
        for shape in content["shapes"]
        if shape.get("shape_type") not in _FLAT
    ]
    return Drawing(picture, regions, f"'{path}'", None if None in size else size)


def _group(shape: dict) -> str | None:
    return None if shape.get("group_id") is None else str(shape["group_id"])


def _outline(shape: dict) -> Sequence[tuple[float, float]] | Mask:
    kind, points = shape.get("shape_type") or "polygon", [tuple(p) for p in shape["points"]]
    if kind == "rectangle":
        return rectangle(*points[0], *points[1])
    if kind == "circle":  # the centre, and a point on the circle
        (x, y), (edge_x, edge_y) = points
        radius = float(np.hypot(edge_x - x, edge_y - y))
        return ellipse(x, y, radius, radius)
    return _mask(shape) if kind == "mask" else points


def _mask(shape: dict) -> Mask | None:
    """What the tool's models draw: a PNG, at the first of two points; None if there is none."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(shape.get("mask") or ""))) as picture:
            pixels = np.asarray(picture.convert("L")) > 0
    except (OSError, TypeError, ValueError, binascii.Error):
        return None
    left, top = shape["points"][0]
    return Mask(round(left), round(top), pixels)
