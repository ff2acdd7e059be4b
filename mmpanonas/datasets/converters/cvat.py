"""CVAT's XML "for images 1.1" as scenes: polygons, boxes, ellipses and masks.

What has a larger ``z_order`` lies above, of equals what stands later; shapes of one label and
``group_id`` are one instance. Polylines, points, skeletons and cuboids are left out.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from mmpanonas.datasets.annotations.file import read_bytes
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
from mmpanonas.errors import InputError, in_a_line

_FLAT = {"polyline", "points", "skeleton", "cuboid"}
_Shape = Sequence[tuple[float, float]] | Mask


def read_cvat(
    ann_file: Path, pictures: Path, stuff: Sequence[str] = (), ignored: Collection[str] = ()
) -> Source:
    """The pictures of an XML file.

    Args:
        pictures: folder that the names of the file begin at.
        stuff: labels of stuff; all others are things.
        ignored: labels that become void.

    Raises:
        InputError: the file is none of that form, or a shape cannot be read.
    """
    try:
        root = ElementTree.fromstring(read_bytes(ann_file))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"'{ann_file}' is no XML ({in_a_line(error)}); export it again") from None
    images = root.findall("image")
    if not images:
        found = "tracks of a video" if root.find("track") is not None else "no pictures"
        raise InputError(f"'{ann_file}' holds {found}; export CVAT's task as 'CVAT for images 1.1'")
    drawings = [_drawing(ann_file, pictures, image) for image in images]
    flat = [shape.get("label") or "" for image in images for shape in image if shape.tag in _FLAT]
    return draw_source(drawings, stuff, ignored, flat, pictures)


def _drawing(ann_file: Path, pictures: Path, image: ElementTree.Element) -> Drawing:
    name = image.get("name") or ""
    drawn = [shape for shape in image if shape.tag in _SHAPES]
    try:
        if not name:
            raise ValueError("it has no name")
        drawn.sort(key=lambda shape: int(shape.get("z_order") or 0))
        regions = [
            Region(shape.attrib["label"], _SHAPES[shape.tag](shape), _group(shape))
            for shape in drawn
        ]
        size = int(image.attrib["width"]), int(image.attrib["height"])
    except KeyError as error:
        raise InputError(f"'{ann_file}', picture '{name}': something lacks {error}") from None
    except ValueError as error:
        raise InputError(f"'{ann_file}', picture '{name}': {in_a_line(error)}") from None
    return Drawing(pictures / name, regions, f"'{ann_file}'", size)


def _group(shape: ElementTree.Element) -> str | None:
    """0 is none, as in CVAT's interface."""
    return None if shape.get("group_id") in (None, "", "0") else shape.get("group_id")


def _polygon(shape: ElementTree.Element) -> _Shape:
    points = [tuple(map(float, pair.split(","))) for pair in shape.attrib["points"].split(";")]
    if len(points) < 3 or not all(map(POINT.fits, points)):
        raise ValueError(f"a polygon has {len(points)} points; 3 or more x,y were expected")
    return points


def _numbers(shape: ElementTree.Element, *names: str) -> list[float]:
    values = [float(shape.attrib[name]) for name in names]
    for pair in zip(values, values, strict=True):
        if not POINT.fits(pair):
            raise ValueError(f"{pair[0]} is no coordinate")
    return [*values, float(shape.get("rotation") or 0)]


def _mask(shape: ElementTree.Element) -> Mask:
    """Runs of pixels row by row, the first outside the mask."""
    left, top, width, height = (int(shape.attrib[n]) for n in ("left", "top", "width", "height"))
    runs = [int(run) for run in shape.attrib["rle"].split(",")]
    if min(width, height, *(run + 1 for run in runs)) < 1 or sum(runs) != width * height:
        raise ValueError(f"a mask of {width} x {height} has runs of {sum(runs)} pixels")
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return Mask(left, top, pixels.reshape(height, width))


_SHAPES: dict[str, Callable[[ElementTree.Element], _Shape]] = {
    "polygon": _polygon,
    "box": lambda shape: rectangle(*_numbers(shape, "xtl", "ytl", "xbr", "ybr")),
    "ellipse": lambda shape: ellipse(*_numbers(shape, "cx", "cy", "rx", "ry")),
    "mask": _mask,
}
