"""Panels of panoptic results: picture, ground truth and prediction side by side."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from mmpanonas.errors import InputError
from mmpanonas.visualization.canvas import FAINT, INK, Canvas, check_suffix, save_figure, text_width
from mmpanonas.visualization.segments import (
    VOID,
    VOID_STRIPES,
    Colour,
    default_palette,
    instance_shades,
    labels_of,
    overlay,
    place_names,
    resize,
)

DPI = 100
# Lengths in pixels.
MARGIN, EDGE, GAP = 16, 8, 10  # at the sides, above and below, between panels
HEADER, CAPTION, LEGEND_ROW = 30, 22, 26
SMALL, LARGE = 512, 720  # long side: smaller pictures grow to about the first, larger shrink
NARROWEST = 200  # column
NAME_SIZE = 9.5  # points
COLUMNS = {"image": "input", "truth": "ground truth", "prediction": "prediction"}


@dataclass(frozen=True)
class PanelSample:
    """One picture of a panel.

    Attributes:
        image: uint8 RGB (H, W, 3).
        prediction, truth: ``label + 1000 * instance``, int (H, W); a label that is no class,
            such as the number of classes, is void. None where there is none.
        name: the caption over the row.
    """

    image: np.ndarray
    prediction: np.ndarray | None = None
    truth: np.ndarray | None = None
    name: str = ""

    def __post_init__(self) -> None:
        image = np.asarray(self.image)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise InputError(
                f"picture {self.name!r}: expected uint8 RGB of shape (H, W, 3), "
                f"got {image.dtype} of shape {image.shape}"
            )
        for field in ("prediction", "truth"):
            ids = getattr(self, field)
            if ids is not None and np.shape(ids) != image.shape[:2]:
                raise InputError(
                    f"picture {self.name!r}: {field} has shape {np.shape(ids)}, "
                    f"the picture {image.shape[:2]}"
                )


def draw_panel(
    image: np.ndarray,
    path: str | os.PathLike,
    classes: Sequence[str],
    palette: Sequence[Colour] | None = None,
    **sample,
) -> None:
    """Write the panel of one picture; ``sample`` is the rest of :class:`PanelSample`."""
    draw_panels([PanelSample(image, **sample)], path, classes, palette)


def draw_panels(
    samples: Sequence[PanelSample],
    path: str | os.PathLike,
    classes: Sequence[str],
    palette: Sequence[Colour] | None = None,
) -> None:
    """Write one row for each sample to ``path``, a PNG.

    Columns that no sample fills are left out. Segments have their class's colour of
    ``palette`` (RGB, 0 to 255; by default one is made up), instances of a class its shades.

    Raises:
        InputError: no sample, fewer colours than classes, or another suffix.
        OSError: the file cannot be written.
    """
    check_suffix(path, (".png",))
    if not samples:
        raise InputError("no picture to draw: samples is empty")
    palette = _full_palette(palette, len(classes))
    columns = [c for c in COLUMNS if any(getattr(s, c) is not None for s in samples)]
    sizes = [panel_size(sample.image.shape[:2]) for sample in samples]
    width = max(NARROWEST, *(size[1] for size in sizes))
    total = 2 * MARGIN + len(columns) * (width + GAP) - GAP
    legend = _legend_rows(samples, classes, total - 2 * MARGIN)
    body = sum(
        size[0] + GAP + CAPTION * bool(s.name) for s, size in zip(samples, sizes, strict=True)
    )
    canvas = _PixelCanvas(total, EDGE + HEADER + body + LEGEND_ROW * len(legend) + EDGE)
    for place, column in enumerate(columns):
        middle = MARGIN + place * (width + GAP) + width / 2
        canvas.text(middle, EDGE + HEADER / 2, COLUMNS[column], 12, weight="bold")
    y = EDGE + HEADER
    for sample, size in zip(samples, sizes, strict=True):
        if sample.name:
            canvas.text(MARGIN, y + CAPTION / 2, sample.name, 9, ha="left", color=FAINT)
            y += CAPTION
        _draw_row(canvas, sample, columns, (y, width, size), classes, palette)
        y += size[0] + GAP
    _draw_legend(canvas, legend, y, classes, palette)
    save_figure(canvas.figure, path)


def _full_palette(palette: Sequence[Colour] | None, num_classes: int) -> list[Colour]:
    if palette is None:
        return default_palette(num_classes)
    if len(palette) < num_classes:
        raise InputError(f"{num_classes} classes need as many colours, got {len(palette)}")
    return list(palette[:num_classes])


def panel_size(size: tuple[int, int]) -> tuple[int, int]:
    """Height and width at which a picture of ``size`` is drawn.

    Small ones grow by a whole factor, so that their pixels stay squares of one colour.
    """
    long = max(size)
    if long <= LARGE:
        factor = max(1, round(SMALL / long))
        return size[0] * factor, size[1] * factor
    return max(1, round(size[0] * LARGE / long)), max(1, round(size[1] * LARGE / long))


class _PixelCanvas(Canvas):
    """A canvas measured in pixels."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width / DPI, height / DPI, DPI)
        self.rows = height
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        self.axes.set_zorder(1)  # over the pictures

    def picture(self, x: int, y: int, pixels: np.ndarray) -> None:
        """Put ``pixels`` with their top left corner at (x, y), one to one."""
        self.figure.figimage(pixels, x, self.rows - y - pixels.shape[0], origin="upper")


def _draw_row(
    canvas: _PixelCanvas,
    sample: PanelSample,
    columns: Sequence[str],
    place: tuple[int, int, tuple[int, int]],
    classes: Sequence[str],
    palette: Sequence[Colour],
) -> None:
    """One sample at ``place``: its top, the width of a column, the size to draw it at."""
    y, width, size = place
    image = resize(np.asarray(sample.image), size, smooth=True)
    truth_shades = None if sample.truth is None else instance_shades(np.asarray(sample.truth))
    for number, column in enumerate(columns):
        x = MARGIN + number * (width + GAP) + (width - size[1]) // 2
        ids = getattr(sample, column)
        if ids is None:
            canvas.text(x + size[1] / 2, y + size[0] / 2, f"no {COLUMNS[column]}", color=FAINT)
            continue
        if column == "image":
            canvas.picture(x, y, image)
            continue
        ids = np.asarray(ids)
        shades = truth_shades
        if column == "prediction":
            shades = instance_shades(ids, sample.truth, truth_shades)
        ids = resize(ids, size, smooth=False)
        canvas.picture(x, y, overlay(image, ids, palette, shades))
        _write_names(canvas, x, y, ids, classes)


def _write_names(
    canvas: _PixelCanvas, x: int, y: int, ids: np.ndarray, classes: Sequence[str]
) -> None:
    present = np.unique(labels_of(np.unique(ids), len(classes)))
    widths = {classes[n]: text_width(classes[n], NAME_SIZE) * DPI + 6 for n in present if n != VOID}
    outline = [withStroke(linewidth=2.2, foreground=INK)]
    for name in place_names(ids, classes, widths, NAME_SIZE * DPI / 72 + 2):
        canvas.text(
            x + name.x, y + name.y, name.text, NAME_SIZE, color="white", path_effects=outline
        )


def _legend_rows(
    samples: Sequence[PanelSample], classes: Sequence[str], width: float
) -> list[list[tuple[int, float]]]:
    """The labels that occur, in rows that fit: ``(label, x)`` with x from the left margin."""
    maps = [ids for s in samples for ids in (s.truth, s.prediction) if ids is not None]
    labels = {int(n) for ids in maps for n in np.unique(labels_of(np.asarray(ids), len(classes)))}
    rows, x = [[]], 0.0
    for label in sorted(labels, key=lambda n: (n == VOID, n)):
        name = "void" if label == VOID else classes[label]
        step = 24 + text_width(name, 10) * DPI + 20
        if rows[-1] and x + step > width:
            rows.append([])
            x = 0.0
        rows[-1].append((label, x))
        x += step
    return [row for row in rows if row]


def _draw_legend(
    canvas: _PixelCanvas,
    rows: Sequence[Sequence[tuple[int, float]]],
    y: float,
    classes: Sequence[str],
    palette: Sequence[Colour],
) -> None:
    for number, row in enumerate(rows):
        top = y + number * LEGEND_ROW + 4
        for label, x in row:
            left = MARGIN + x
            swatch = {"edgecolor": INK, "linewidth": 0.7, "facecolor": _rgb(VOID_STRIPES[1])}
            if label == VOID:
                swatch |= {"hatch": "/////", "edgecolor": _rgb(VOID_STRIPES[0])}
            else:
                swatch["facecolor"] = _rgb(palette[label])
            canvas.axes.add_patch(Rectangle((left, top), 18, 14, **swatch))
            name = "void" if label == VOID else classes[label]
            canvas.text(left + 24, top + 7.5, name, 10, ha="left")


def _rgb(colour: Colour) -> tuple[float, ...]:
    return tuple(c / 255 for c in colour)
