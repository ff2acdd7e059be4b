"""Outlines and textures of the embedded data set "shapes"; see :mod:`mmpanonas.datasets.shapes`.

Colours are BGR in 0..1, float32. ``unit`` is the smaller side of the picture over 128, so that
textures look alike at every size.
"""

import colorsys
from collections.abc import Callable

import cv2
import numpy as np

SUPERSAMPLING = 4
"""Outlines are filled at this multiple and averaged, which smooths their edges."""

PATTERNS = ("plain", "stripes", "checks", "dots", "shaded")


def _ngon(corners: int, radii: tuple[float, ...] = (1.0,)) -> np.ndarray:
    """Corners (N, 2) at equal angles whose distances from the centre take turns."""
    angles = 2 * np.pi * np.arange(corners) / corners
    return np.resize(radii, corners)[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)


def _cross(arm: float) -> np.ndarray:
    """A plus sign with arms of half width ``arm``, corners at distance 1."""
    reach = np.sqrt(1 - arm**2)
    quarter = np.array([[reach, -arm], [reach, arm], [arm, arm]])
    turn = np.array([[0, 1], [-1, 0]])
    return np.concatenate([quarter @ np.linalg.matrix_power(turn, k) for k in range(4)])


OUTLINES: dict[str, tuple[np.ndarray, ...]] = {
    "disc": (_ngon(48),),
    "square": (_ngon(4),),
    "triangle": (_ngon(3),),
    "star": (_ngon(10, (1.0, 0.45)),),
    "ring": (_ngon(48), _ngon(48, (0.55,))),
    "cross": (_cross(0.33),),
}
"""Closed outlines within the unit circle, per thing class; where two overlap is a hole."""


def fill_outline(
    name: str, centre: np.ndarray, axes: np.ndarray, height: int, width: int
) -> tuple[tuple[slice, slice], np.ndarray]:
    """Rasterize an outline.

    Args:
        name: a key of ``OUTLINES``.
        centre: x, y in pixels.
        axes: (2, 2), the rows are the images of the unit vectors, in pixels.
        height, width: of the picture.

    Returns:
        rows and columns of the part of the picture that is touched, and how much of each pixel
        there is covered, float32 in 0..1; the part is empty if the outline lies outside.
    """
    outlines = [outline @ axes + centre for outline in OUTLINES[name]]
    low = np.floor(outlines[0].min(0)).astype(int)
    high = np.ceil(outlines[0].max(0)).astype(int) + 1
    low, high = low.clip(0), high.clip(0, (width, height))
    size = np.maximum(high - low, 0)
    box = (slice(low[1], low[1] + size[1]), slice(low[0], low[0] + size[0]))
    if size.min() == 0:
        return box, np.zeros((size[1], size[0]), np.float32)
    canvas = np.zeros((size[1] * SUPERSAMPLING, size[0] * SUPERSAMPLING), np.uint8)
    corners = [np.rint((o - low) * SUPERSAMPLING).astype(np.int32) for o in outlines]
    cv2.fillPoly(canvas, corners, 255)
    cover = cv2.resize(canvas, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    return box, cover.astype(np.float32) / 255


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """A BGR colour; hue in turns."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value)[::-1], np.float32)


def smooth_noise(
    rng: np.random.Generator, height: int, width: int, cell: tuple[float, float]
) -> np.ndarray:
    """Standard normal values on a grid of cells (height, width), interpolated to (H, W)."""
    rise, run = max(cell[0], 1.0), max(cell[1], 1.0)
    knots = rng.standard_normal((int(height / rise) + 4, int(width / run) + 4), np.float32)
    fine = cv2.resize(knots, None, fx=run, fy=rise, interpolation=cv2.INTER_CUBIC)
    # A cell is cut off at each end, so that the edges of the picture are like its middle.
    top, left = int(rise), int(run)
    return fine[top : top + height, left : left + width]


def paint_grass(rng: np.random.Generator, height: int, width: int, unit: float) -> np.ndarray:
    """Green, with upright blades and lighter patches."""
    blades = smooth_noise(rng, height, width, (6 * unit, 1.3 * unit))
    patches = smooth_noise(rng, height, width, (30 * unit, 30 * unit))
    shade = 1 + 0.18 * blades + 0.08 * patches
    return shade[..., None] * hsv(rng.normal(0.27, 0.03), rng.uniform(0.4, 0.7), 0.5)


def paint_sand(rng: np.random.Generator, height: int, width: int, unit: float) -> np.ndarray:
    """Yellow-grey, with grains and soft ripples."""
    grains = smooth_noise(rng, height, width, (1.2 * unit, 1.2 * unit))
    phase = _waves(rng, height, width, unit, length=11, bend=4)
    shade = 1 + 0.06 * grains + 0.05 * phase
    return shade[..., None] * hsv(rng.normal(0.11, 0.02), rng.uniform(0.25, 0.5), 0.72)


def paint_water(rng: np.random.Generator, height: int, width: int, unit: float) -> np.ndarray:
    """Blue, with bent waves that have bright crests."""
    phase = _waves(rng, height, width, unit, length=8, bend=3)
    shade = 1 + 0.10 * phase + 0.25 * np.maximum(phase - 0.7, 0)
    return shade[..., None] * hsv(rng.normal(0.57, 0.03), rng.uniform(0.35, 0.65), 0.6)


def paint_brick(rng: np.random.Generator, height: int, width: int, unit: float) -> np.ndarray:
    """Rows of reddish bricks, each of its own shade, with grey mortar."""
    course = unit * rng.uniform(6, 9)
    row, within_row = np.divmod(np.arange(height) / course + rng.uniform(), 1)
    along = np.arange(width) / (2.2 * course) + rng.uniform()
    column, within_column = np.divmod(along[None] + 0.5 * (row[:, None] % 2), 1)
    shades = rng.normal(1, 0.12, (int(row.max()) + 1, int(column.max()) + 1))
    shade = shades[row.astype(int)[:, None], column.astype(int)].astype(np.float32)
    bricks = shade[..., None] * hsv(rng.normal(0.03, 0.02), rng.uniform(0.4, 0.65), 0.6)
    mortar = (within_row[:, None] < 0.16) | (within_column < 0.08)
    return np.where(mortar[..., None], hsv(0.1, 0.1, rng.uniform(0.55, 0.75)), bricks)


STUFF_TEXTURES: dict[str, Callable[[np.random.Generator, int, int, float], np.ndarray]] = {
    "grass": paint_grass,
    "sand": paint_sand,
    "water": paint_water,
    "brick": paint_brick,
}
"""Per stuff class a function (rng, height, width, unit) -> BGR (H, W, 3)."""


def paint_object(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, colour: np.ndarray
) -> np.ndarray:
    """Texture of an object.

    Args:
        rng: source of pattern, contrast and light.
        x, y: coordinates of pixels along the object's axes, float32 (H, W), -1..1 within it.
        colour: BGR.

    Returns:
        float32 (H, W, 3).
    """
    pattern = PATTERNS[rng.integers(len(PATTERNS))]
    frequency, contrast = rng.uniform(2, 4.5), rng.uniform(0.15, 0.4)
    if pattern == "stripes":
        sign = np.sign(np.sin(np.pi * frequency * x))
    elif pattern == "checks":
        sign = np.sign(np.sin(np.pi * frequency * x) * np.sin(np.pi * frequency * y))
    elif pattern == "dots":
        sign = np.sign(np.cos(np.pi * frequency * x) * np.cos(np.pi * frequency * y) - 0.5)
    elif pattern == "shaded":
        sign = 0.7 - 1.4 * (x**2 + y**2)
    else:
        sign = np.zeros_like(x)
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + 0.15 * (np.cos(angle) * x + np.sin(angle) * y)
    return ((1 + contrast * sign) * light)[..., None] * colour


def _waves(
    rng: np.random.Generator, height: int, width: int, unit: float, length: float, bend: float
) -> np.ndarray:
    """Sine waves, nearly horizontal, (H, W) in -1..1; ``length`` and ``bend`` in units."""
    slope = rng.uniform(-0.35, 0.35)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    warp = bend * unit * smooth_noise(rng, height, width, (24 * unit, 24 * unit))
    return np.sin(2 * np.pi * (y + slope * x + warp) / (length * unit))
