"""One picture of the embedded data set "shapes"; see :mod:`mmpanonas.datasets.shapes`."""

import dataclasses
import zlib

import cv2
import numpy as np

from mmpanonas.datasets.shapes.painting import (
    OUTLINES,
    STUFF_TEXTURES,
    fill_outline,
    hsv,
    paint_object,
    smooth_noise,
)
from mmpanonas.errors import InputError
from mmpanonas.panoptic.segments import describe_segments

THINGS = tuple(OUTLINES)
STUFF = tuple(STUFF_TEXTURES)
FIRST_STUFF_ID = 11
"""Leaves a gap after the things' ids, since category ids of real sets are not contiguous."""


@dataclasses.dataclass(frozen=True)
class Difficulty:
    """How hard the pictures are. Lengths are pixels of a picture whose smaller side is 128.

    Chosen so that a small network learns things within minutes and a better one shows. A
    Panoptic FPN with a quarter-width ResNet-18 and 64 channels in neck and heads, 500 AdamW
    iterations of four from scratch on 400 pictures of 128 x 128, has PQ 58.7 (things 45.0,
    stuff 79.3) on 100 others. With radius from 11, squeeze 0.7, hue_lean 0.7 and hue_spread
    0.1 the things are at 16.0; with random colours, radius 7 to 28 and up to 6 objects at 4.
    """

    radius: tuple[float, float] = (12.0, 32.0)
    """Circumscribed circle; from one cell of the feature map of stride 16 to half a picture."""
    objects: tuple[int, int] = (1, 4)
    """Drawn per picture; four of them overlap in most pictures."""
    squeeze: float = 0.75
    """Smallest ratio of an object's axes; a square may look like a brick, not like a bar."""
    hue_lean: float = 0.85
    """How often an object's hue is near its class's own; otherwise it is any hue."""
    hue_spread: float = 0.06
    """Deviation, in turns, from the class's hue; classes are 1/6 apart, so neighbours mix."""
    min_visible: float = 60.0
    """Pixels; an object of which less can be seen is left out, for nobody could name it."""
    stuff_roughness: float = 45.0
    """Size of the bends of borders between stuff."""
    border: float = 1.0
    """Width of the void between stuff, where real annotators disagree too."""
    noise: float = 0.03
    """Deviation of the pixel noise; white is 1."""
    blur: tuple[float, float] = (0.3, 0.8)
    """Deviation of the Gaussian blur."""


DIFFICULTY = Difficulty()


def render_picture(
    seed: int, split: str, index: int, height: int, width: int, difficulty: Difficulty = DIFFICULTY
) -> tuple[np.ndarray, np.ndarray, list[dict]]:
    """Render one picture; the same arguments give the same picture.

    Returns:
        image: uint8 (H, W, 3), BGR as OpenCV and MMCV have it.
        ids: int32 (H, W), segment ids, 0 is void.
        segments: ``segments_info`` of the COCO panoptic format; an id is category id x 1000 +
            number within the picture (0 for stuff).

    Raises:
        InputError: a side is below 16 pixels, or seed or index negative.
    """
    if min(height, width) < 16 or seed < 0 or index < 0:
        raise InputError(
            f"height {height}, width {width}, seed {seed}, index {index} were given; sides of at "
            "least 16 and no negative number were expected"
        )
    source = np.random.default_rng([seed, zlib.crc32(split.encode()), index])
    # Apart, so that the same objects come at every size.
    ground_rng, object_rng, light_rng = source.spawn(3)
    unit = min(height, width) / 128
    canvas, ids = _paint_stuff(ground_rng, height, width, unit, difficulty)
    for number, (name, box, cover, fill) in enumerate(
        _visible_objects(object_rng, height, width, unit, difficulty), start=1
    ):
        canvas[box] += cover[..., None] * (fill - canvas[box])
        ids[box][cover >= 0.5] = 1000 * (THINGS.index(name) + 1) + number
    segments = describe_segments(ids, lambda segment_id: segment_id // 1000)
    return _photograph(light_rng, canvas, unit, difficulty), ids, segments


def _paint_stuff(
    rng: np.random.Generator, height: int, width: int, unit: float, difficulty: Difficulty
) -> tuple[np.ndarray, np.ndarray]:
    """Regions of two to four stuff classes: canvas (H, W, 3) and ids int32 (H, W)."""
    chosen = rng.permutation(len(STUFF))[: rng.integers(2, len(STUFF) + 1)]
    cell = difficulty.stuff_roughness * unit
    heights = np.stack([smooth_noise(rng, height, width, (cell, cell)) for _ in chosen])
    place = heights.argmax(0)
    canvas = np.zeros((height, width, 3), np.float32)
    for number, stuff in enumerate(chosen):
        region = place == number
        canvas[region] = STUFF_TEXTURES[STUFF[stuff]](rng, height, width, unit)[region]
    edge = np.zeros((height, width), np.uint8)
    edge[:, :-1] |= place[:, 1:] != place[:, :-1]
    edge[:-1] |= place[1:] != place[:-1]
    breadth = max(round(difficulty.border * unit), 1)
    edge = cv2.dilate(edge, np.ones((breadth, breadth), np.uint8))
    ids = (1000 * (FIRST_STUFF_ID + chosen[place])).astype(np.int32)
    ids[edge > 0] = 0
    return canvas, ids


def _visible_objects(
    rng: np.random.Generator, height: int, width: int, unit: float, difficulty: Difficulty
) -> list[tuple[str, tuple[slice, slice], np.ndarray, np.ndarray]]:
    """Objects from back to front: class, box, cover (h, w) and colours (h, w, 3) in the box.

    What is mostly hidden or cut off is left out before anything is painted.
    """
    drawn = []
    for _ in range(rng.integers(difficulty.objects[0], difficulty.objects[1] + 1)):
        drawn.append(_draw_object(rng, height, width, unit, difficulty))
    owner = np.full((height, width), -1)
    for number, (_, box, cover, _) in enumerate(drawn):
        owner[box][cover >= 0.5] = number
    visible = np.bincount(owner[owner >= 0], minlength=len(drawn))
    enough = difficulty.min_visible * unit**2
    return [item for item, pixels in zip(drawn, visible, strict=True) if pixels >= enough]


def _draw_object(
    rng: np.random.Generator, height: int, width: int, unit: float, difficulty: Difficulty
) -> tuple[str, tuple[slice, slice], np.ndarray, np.ndarray]:
    kind = rng.integers(len(THINGS))
    radius = unit * rng.uniform(*difficulty.radius)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    axes = radius * np.array([[1.0], [rng.uniform(difficulty.squeeze, 1)]]) * turn
    centre = rng.uniform(0.08, 0.92, 2) * (width, height)
    box, cover = fill_outline(THINGS[kind], centre, axes, height, width)
    hue = kind / len(THINGS) + rng.normal(0, difficulty.hue_spread)
    if rng.uniform() > difficulty.hue_lean:
        hue = rng.uniform()
    colour = hsv(hue, rng.uniform(0.4, 0.9), rng.uniform(0.5, 0.95))
    y, x = np.mgrid[box].astype(np.float32)
    along = np.stack([x - centre[0], y - centre[1]], -1).astype(np.float32) @ np.linalg.inv(
        axes
    ).astype(np.float32)
    return THINGS[kind], box, cover, paint_object(rng, along[..., 0], along[..., 1], colour)


def _photograph(
    rng: np.random.Generator, canvas: np.ndarray, unit: float, difficulty: Difficulty
) -> np.ndarray:
    """Light that falls off to one side, blur and noise; uint8 (H, W, 3)."""
    height, width = canvas.shape[:2]
    slope = rng.uniform(-0.2, 0.2, 2).astype(np.float32)
    light = (
        rng.uniform(0.85, 1.1)
        + slope[0] * np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        + slope[1] * np.linspace(-1, 1, width, dtype=np.float32)
    )
    lit = cv2.GaussianBlur(canvas * light[..., None], (0, 0), unit * rng.uniform(*difficulty.blur))
    lit += difficulty.noise * rng.standard_normal(lit.shape, np.float32)
    return np.rint(255 * lit.clip(0, 1)).astype(np.uint8)
