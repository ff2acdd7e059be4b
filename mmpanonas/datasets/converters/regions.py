"""Labelled regions of pictures, polygons or masks, drawn to scenes.

Later regions lie above earlier ones. A region of a thing is an instance, or with the others of its
label and group one instance; all regions of a stuff label are one segment. Pixel i reaches from i
to i + 1, and one that an outline touches is the region's.
"""

import os
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from math import floor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from mmpanonas.datasets.converters.writing import Scene, Source, category_list
from mmpanonas.datasets.pictures import picture_size
from mmpanonas.errors import InputError
from mmpanonas.values import number, several

#: A point x, y in pixels; beyond these a coordinate is a mistake.
POINT = several(number(-1e6, 1e6), 2)


class Mask(NamedTuple):
    """Pixels (h, w) of a region, true where it is, and where their upper left corner lies."""

    left: int
    top: int
    pixels: np.ndarray


class Region(NamedTuple):
    """A part of a picture; ``shape`` is the corners of a polygon (x, y), or a mask."""

    label: str
    shape: Sequence[tuple[float, float]] | Mask
    group: Hashable = None


@dataclass(frozen=True)
class Drawing:
    """A picture's regions, lowest first.

    Attributes:
        said: who says so, for errors.
        size: width and height of the picture as the annotations say, if they do.
    """

    picture: Path
    regions: Sequence[Region]
    said: str
    size: tuple[int, int] | None = None


def rectangle(
    x0: float, y0: float, x1: float, y1: float, degrees: float = 0
) -> list[tuple[float, float]]:
    """The corners of a rectangle, turned clockwise about its centre."""
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)
    return _turned(corners, ((x0 + x1) / 2, (y0 + y1) / 2), degrees)


def ellipse(
    x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0
) -> list[tuple[float, float]]:
    """A polygon in the place of an ellipse, turned clockwise about its centre."""
    angles = np.linspace(0, 2 * np.pi, 180, endpoint=False)  # 0.15 pixels off where 1,000 wide
    points = np.stack([x + radius_x * np.cos(angles), y + radius_y * np.sin(angles)], 1)
    return _turned(points, (x, y), degrees)


def _turned(points: np.ndarray, centre: tuple, degrees: float) -> list[tuple[float, float]]:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = (points - centre) @ [[cos, sin], [-sin, cos]] + centre if degrees else points
    return [tuple(point) for point in turned.tolist()]


def draw_source(
    drawings: Sequence[Drawing],
    stuff: Sequence[str],
    ignored: Collection[str],
    flat: Sequence[str] = (),
    pictures: Path | None = None,
) -> Source:
    """Drawings as a source of scenes.

    Args:
        stuff: labels of stuff; all others are things.
        ignored: labels that become void.
        flat: labels of what was left out, since it has no area.
        pictures: their folder; None: the one that all pictures have in common.

    Raises:
        InputError: no region has a label of ``stuff`` or ``ignored``.
    """
    labels = {region.label for drawing in drawings for region in drawing.regions}
    if unknown := sorted({*stuff, *ignored} - {*labels, *flat}):
        raise InputError(
            f"nothing is called {', '.join(map(repr, unknown))}; there are "
            f"{', '.join(sorted(labels)) or 'no labels'}"
        )
    categories = category_list(sorted(labels - {*stuff, *ignored}), stuff)
    folder = pictures or Path(os.path.commonpath([each.picture.parent for each in drawings]))
    place = {each["name"]: each["id"] for each in categories}
    draw = partial(_draw, folder, place, frozenset(stuff))
    notes = [f"{len(flat)} points and lines are left out: they have no area"] if flat else []
    return Source(folder, drawings, draw, categories, notes=notes)


def _draw(folder: Path, place: dict[str, int], stuff: frozenset[str], drawing: Drawing) -> Scene:
    size = picture_size(drawing.picture)
    if drawing.size not in (None, size):
        raise InputError(
            f"{drawing.said} says that '{drawing.picture}' is {drawing.size[0]} x "
            f"{drawing.size[1]}, which is {size[0]} x {size[1]} (width x height)"
        )
    canvas = Image.new("I", size)
    segments: dict[Hashable, int] = {}
    categories: dict[int, int] = {}
    for order, region in enumerate(drawing.regions):
        value = 0
        if region.label in place:
            own = ("one", order) if region.group is None else ("group", region.group)
            key = (region.label, None if region.label in stuff else own)
            value = segments.setdefault(key, len(segments) + 1)
            categories[value] = place[region.label]
        if isinstance(region.shape, Mask):
            left, top, pixels = region.shape
            canvas.paste(value, (left, top), Image.fromarray(pixels.astype(np.uint8) * 255))
        else:
            corners = [(floor(x), floor(y)) for x, y in region.shape]  # the pixels they lie in
            ImageDraw.Draw(canvas).polygon(corners, fill=value, outline=value)
    name = drawing.picture.relative_to(folder).as_posix()
    return Scene(name, np.array(canvas, np.int32), categories)
