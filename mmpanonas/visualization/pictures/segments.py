"""Panoptic segments as colours over a picture.

Segment maps have MMDetection's form: ``label + INSTANCE_OFFSET * instance``, int (H, W);
instances count from 1 and stuff is its label alone. A label that is no class, such as the
number of classes, is void; ``CLEAR`` is a pixel that shows the picture alone.
"""

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mmpanonas.visualization.canvas import drawable

#: MMDetection's distance between two instances of one class.
INSTANCE_OFFSET = 1000
#: Share of the segment's colour in the overlay; the rest is the picture.
OPACITY = 0.6
VOID_STRIPES = ((92, 92, 92), (150, 150, 150))
VOID_STRIPE_WIDTH = 5  # pixels, measured along a row
BORDER = (255, 255, 255)
#: Instances of one class differ by mixing in white (above 0) or black (below 0).
SHADES = (0.0, 0.45, -0.38, 0.24, -0.58, 0.64, -0.2)
VOID, CLEAR = -1, -2
#: A segment narrower than this part of its name is not named.
NAMED_FROM = 0.6

Colour = tuple[int, int, int]


def default_palette(num_classes: int) -> list[Colour]:
    """Vivid colours for ``num_classes`` classes; the hues of neighbours lie far apart."""
    colours = []
    for label in range(num_classes):
        hue = (0.58 + label * 0.381966) % 1.0  # the golden angle
        value, saturation = ((0.92, 0.78), (0.68, 0.85), (0.98, 0.5))[label % 3]
        colours.append(tuple(round(255 * c) for c in colorsys.hsv_to_rgb(hue, saturation, value)))
    return colours


def short_name(name: str) -> str:
    """A class's name up to the first comma: ADE20K's are lists of synonyms.

    Empty for a class without a name.
    """
    synonyms = (" ".join(part.split()) for part in drawable(str(name)).split(","))
    return next(filter(None, synonyms), "")


def short_names(classes: Sequence[str]) -> list[str]:
    """What is written for each class; ``class 3`` for a class without a name."""
    return [short_name(name) or f"class {label}" for label, name in enumerate(classes)]


def known_palette(meta: Mapping) -> Sequence[Colour] | None:
    """The palette of a data set's metainfo, or None where it has not a colour for each class."""
    palette = meta.get("palette")
    if isinstance(palette, Sequence) and not isinstance(palette, str):
        return palette if len(palette) >= len(meta["classes"]) else None
    return None


def labels_of(ids: np.ndarray, num_classes: int) -> np.ndarray:
    """The class of each id, same shape; ``VOID`` where the label is no class, or ``CLEAR``."""
    labels = ids % INSTANCE_OFFSET
    found = np.where((ids >= 0) & (labels < num_classes), labels, VOID)
    return np.where(ids == CLEAR, CLEAR, found)


def shade(colour: Colour, number: int) -> Colour:
    """The colour of a class's instance ``number`` (0 is the class's own colour)."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(c / 255 for c in colour))
    hue = (hue + 0.07 * (number // len(SHADES))) % 1.0
    rgb = np.array(colorsys.hls_to_rgb(hue, lightness, saturation))
    amount = SHADES[number % len(SHADES)]
    rgb = rgb + (1 - rgb) * amount if amount > 0 else rgb * (1 + amount)
    return tuple(int(c) for c in np.rint(255 * rgb))


def instance_shades(
    ids: np.ndarray, reference: np.ndarray | None = None, shades: dict[int, int] | None = None
) -> dict[int, int]:
    """Which shade each instance of ``ids`` (H, W) takes: ``{id: number}``.

    Numbers count up within a class. With a ``reference`` map of the same size and its
    ``shades``, an instance that overlaps one there with an IoU above 0.5 takes its number,
    so that the same object looks the same in truth and prediction.
    """
    chosen = {} if reference is None else _matched(ids, reference, shades)
    taken = {(one % INSTANCE_OFFSET, number) for one, number in chosen.items()}
    for one in np.unique(ids[ids >= INSTANCE_OFFSET]).tolist():
        if one in chosen:
            continue
        label, number = one % INSTANCE_OFFSET, 0
        while (label, number) in taken:
            number += 1
        chosen[one] = number
        taken.add((label, number))
    return chosen


def _matched(ids: np.ndarray, reference: np.ndarray, shades: dict[int, int]) -> dict[int, int]:
    both = (ids >= INSTANCE_OFFSET) & (ids % INSTANCE_OFFSET == reference % INSTANCE_OFFSET)
    both &= reference >= INSTANCE_OFFSET
    pairs, overlaps = np.unique(np.stack([ids[both], reference[both]]), axis=1, return_counts=True)
    area, reference_area = (
        dict(zip(*np.unique(m, return_counts=True), strict=True)) for m in (ids, reference)
    )
    return {
        int(one): shades[int(other)]
        for (one, other), overlap in zip(pairs.T, overlaps, strict=True)
        if 2 * overlap > area[one] + reference_area[other] - overlap
    }


def resize(array: np.ndarray, size: tuple[int, int], smooth: bool) -> np.ndarray:
    """Scale a picture (``smooth``) or a segment map to ``size`` (height, width)."""
    if array.shape[:2] == size:
        return array
    if not smooth:
        rows = np.arange(size[0]) * array.shape[0] // size[0]
        columns = np.arange(size[1]) * array.shape[1] // size[1]
        return array[rows[:, None], columns]
    shrinks = size[0] < array.shape[0]
    return cv2.resize(array, size[::-1], interpolation=cv2.INTER_AREA if shrinks else 1)


def overlay(
    image: np.ndarray,
    ids: np.ndarray,
    palette: Sequence[Colour],
    shades: Mapping[int, int] | None = None,
) -> np.ndarray:
    """Lay the segments of ``ids`` (H, W) over ``image``, uint8 RGB (H, W, 3).

    Every pixel is ``OPACITY`` of its segment's colour and the rest of the picture in grey,
    which leaves the hue to the class; void is striped grey, borders are white.
    """
    shades = instance_shades(ids) if shades is None else shades
    values, inverse = np.unique(ids, return_inverse=True)
    labels = labels_of(values, len(palette))
    table = [
        (0, 0, 0) if label < 0 else shade(tuple(palette[label]), shades.get(int(one), 0))
        for one, label in zip(values, labels, strict=True)
    ]
    inverse = inverse.reshape(ids.shape)
    colours = np.array(table, dtype=np.float32)[inverse]
    void = (labels == VOID)[inverse]
    rows, columns = np.nonzero(void)
    stripe = (rows + columns) // VOID_STRIPE_WIDTH % 2
    colours[rows, columns] = np.array(VOID_STRIPES, dtype=np.float32)[stripe]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    mixed = np.rint(OPACITY * colours + (1 - OPACITY) * grey).astype(np.uint8)
    clear = ids == CLEAR
    mixed[clear] = image[clear]
    mixed[borders(ids)] = BORDER
    return mixed


def borders(ids: np.ndarray) -> np.ndarray:
    """Where a pixel's right or lower neighbour belongs to another segment, bool (H, W)."""
    edge = np.zeros(ids.shape, dtype=bool)
    edge[:, :-1] |= ids[:, :-1] != ids[:, 1:]
    edge[:-1] |= ids[:-1] != ids[1:]
    return edge


@dataclass(frozen=True)
class Name:
    """A class name to be written with its middle at (x, y), in pixels."""

    text: str
    x: float
    y: float


def place_names(
    ids: np.ndarray, classes: Sequence[str], widths: Mapping[str, float], height: float
) -> list[Name]:
    """Where names fit on their segments, for text ``height`` and ``widths`` in pixels.

    Each segment is named once, on the row through its deepest point, largest first, if it is as
    high there as the name and at least ``NAMED_FROM`` of its width, and if the name lies within
    the picture and on no other.
    """
    names = []
    values, areas = np.unique(ids, return_counts=True)
    for one in values[np.argsort(-areas, kind="stable")].tolist():
        label = int(labels_of(np.array(one), len(classes)))
        if label < 0:
            continue
        mask = np.pad(ids == one, 1).astype(np.uint8)
        depths = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
        depth = depths.max()
        deep = np.argwhere(depths > 0.97 * depth)  # of these the middle one
        y, x = deep[np.square(deep - deep.mean(axis=0)).sum(axis=1).argmin()]
        gaps = np.flatnonzero(mask[y] == 0)
        left, right = gaps[gaps < x].max(), gaps[gaps > x].min()
        width = widths[classes[label]]
        name = Name(classes[label], (left + right) / 2 - 0.5, y - 0.5)
        if (
            2 * depth >= height
            and right - left - 1 >= NAMED_FROM * width
            and width / 2 <= name.x <= ids.shape[1] - width / 2
            and not any(_overlap(name, other, widths, height) for other in names)
        ):
            names.append(name)
    return names


def _overlap(one: Name, other: Name, widths: Mapping[str, float], height: float) -> bool:
    reach = (widths[one.text] + widths[other.text]) / 2
    return abs(one.x - other.x) < reach and abs(one.y - other.y) < height
