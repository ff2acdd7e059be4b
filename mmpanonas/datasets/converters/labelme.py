"""LabelMe's JSON files, one beside each picture, to COCO panoptic format.

Later shapes lie above earlier ones, as LabelMe draws them. A shape of a thing is an instance, or
with the others of its label and ``group_id`` one instance; all shapes of a stuff label are one
segment. Polygons, rectangles and circles have an area; points and lines have none and are left out.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mmpanonas.datasets.annotations.file import read_bytes, read_json
from mmpanonas.datasets.converters.writing import Scene, category_list, write_split
from mmpanonas.datasets.pictures import picture_size
from mmpanonas.errors import InputError
from mmpanonas.values import number, several

_FLAT = {"point", "line", "linestrip", "points"}
_POINTS = {"polygon": (3, None), "rectangle": (2, 2), "circle": (2, 2)}
_POINT = several(number(), 2)


def convert_labelme(
    folder: Path,
    out: Path,
    split: str,
    stuff: Sequence[str] = (),
    ignored: Collection[str] = (),
    workers: int | None = 0,
) -> tuple[Path, list[str], int]:
    """Write the pictures of a folder that have a JSON file as a split of ``out``.

    Args:
        stuff: labels of stuff; all others are things.
        ignored: labels that become void.

    Returns:
        the annotation file, the things' names in order, and how many shapes without an area were
        left out.

    Raises:
        InputError: a file is not LabelMe's, its picture is missing or of another size, or ``stuff``
            and ``ignored`` name what no file has.
        OSError: the results cannot be written.
    """
    names = sorted(folder.glob("[!.]*.json"))
    if not names:
        raise InputError(f"'{folder}' holds no .json file: give the folder of LabelMe's files")
    files = [(path, _read(path)) for path in names]
    labels = {shape["label"] for _, content in files for shape in content["shapes"]}
    if unknown := sorted({*stuff, *ignored} - labels):
        raise InputError(
            f"no shape in '{folder}' is called {', '.join(map(repr, unknown))}; there are "
            f"{', '.join(sorted(labels))}"
        )
    things = sorted(labels - {*stuff, *ignored})
    categories = category_list(things, stuff)
    place = {each["name"]: each["id"] for each in categories}

    pictures = {path: _picture_of(path, content) for path, content in files}
    root = Path(os.path.commonpath([picture.parent for picture in pictures.values()]))

    def scene_of(item: tuple[Path, dict]) -> Scene:
        path, content = item
        ids, found = _segments(path, content, pictures[path], place, set(stuff))
        return Scene(str(pictures[path].relative_to(root)), ids, found)

    path = write_split(out, split, root, files, scene_of, categories, workers)
    shapes = (shape for _, content in files for shape in content["shapes"])
    return path, things, sum(shape.get("shape_type") in _FLAT for shape in shapes)


def _read(path: Path) -> dict:
    content = read_json(read_bytes(path), str(path))
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise _error(path, "has no list of shapes")
    if not isinstance(content.get("imagePath"), str):
        raise _error(path, "names no picture (imagePath)")
    for number_, shape in enumerate(content["shapes"]):
        problem = _shape_problem(shape)
        if problem:
            raise _error(path, f"shapes[{number_}] {problem}")
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
    if not isinstance(points, list) or not all(map(_POINT.fits, points)):
        return "has no list of points [x, y]"
    if len(points) < least or (most and len(points) > most):
        return f"has {len(points)} points; a {kind} has {least}{'' if most else ' or more'}"
    return None


def _error(path: Path, problem: str) -> InputError:
    return InputError(f"'{path}' is no file of LabelMe: it {problem}")


def _picture_of(path: Path, content: dict) -> Path:
    """Which LabelMe names from the file's folder, on Windows with backslashes."""
    return Path(os.path.normpath(path.absolute().parent / content["imagePath"].replace("\\", "/")))


def _segments(
    path: Path, content: dict, picture: Path, place: Mapping[str, int], stuff: Collection[str]
) -> tuple[np.ndarray, dict[int, int]]:
    """Segment ids (H, W), and the category id of each."""
    width, height = picture_size(picture)
    for key, size in (("imageWidth", width), ("imageHeight", height)):
        if content.get(key) not in (None, size):
            raise InputError(
                f"'{path}' says {key} {content[key]}, its picture '{picture}' has {size}"
            )
    canvas = Image.new("I", (width, height))
    draw = ImageDraw.Draw(canvas)
    segments: dict[tuple, int] = {}
    categories: dict[int, int] = {}
    for number_, shape in enumerate(content["shapes"]):
        label, kind = shape["label"], shape.get("shape_type") or "polygon"
        if kind in _FLAT:
            continue
        own = number_ if shape.get("group_id") is None else ("group", shape["group_id"])
        segment = 0
        if label in place:
            key = (label,) if label in stuff else (label, own)
            segment = segments.setdefault(key, len(segments) + 1)
            categories[segment] = place[label]
        _fill(draw, kind, shape["points"], segment)
    return np.array(canvas, np.int32), categories


def _fill(draw: ImageDraw.ImageDraw, kind: str, points: list, value: int) -> None:
    corners = [tuple(map(float, point)) for point in points]
    if kind == "polygon":
        draw.polygon(corners, fill=value, outline=value)
    elif kind == "rectangle":
        (x0, y0), (x1, y1) = corners
        draw.rectangle([min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)], fill=value)
    else:  # the centre, and a point on the circle
        (x, y), (edge_x, edge_y) = corners
        radius = float(np.hypot(edge_x - x, edge_y - y))
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=value)
