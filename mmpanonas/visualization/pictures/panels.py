"""Panels of panoptic maps: picture, ground truth and prediction, next to each other."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import Figure

from mmpanonas.errors import InputError
from mmpanonas.visualization.canvas import FAINT, check_suffix, save_figure
from mmpanonas.visualization.pictures.panel_canvas import (
    LEGEND_ROW,
    MARGIN,
    PanelCanvas,
    legend_rows,
)
from mmpanonas.visualization.pictures.segments import (
    Colour,
    default_palette,
    instance_shades,
    resize,
)

# Lengths in pixels.
EDGE, GAP = 8, 10  # above and below, between pictures
HEADER, CAPTION = 30, 22
SMALL, LARGE = 512, 720  # long side: smaller pictures grow to about the first, larger shrink
NARROWEST = 200  # column
WIDE = 2.0  # pictures this many times as wide as high lie below one another, twice as large
COLUMNS = {
    "image": "input",
    "truth": "ground truth",
    "instances": "boxes and masks",
    "semantic": "semantic map",
    "prediction": "prediction",
}
MAPS = tuple(column for column in COLUMNS if column != "image")


@dataclass(frozen=True)
class PanelSample:
    """One picture of a panel.

    Attributes:
        image: uint8 RGB (H, W, 3).
        prediction, truth, instances, semantic: ``label + 1000 * instance``, int (H, W); a label
            that is no class, such as the number of classes, is void, and ``segments.CLEAR``
            leaves the picture as it is. None where there is none.
        name: the caption over the row.
        boxes: x1, y1, x2, y2 by the id in ``instances``.
    """

    image: np.ndarray
    prediction: np.ndarray | None = None
    truth: np.ndarray | None = None
    name: str = ""
    instances: np.ndarray | None = None
    semantic: np.ndarray | None = None
    boxes: Mapping[int, Sequence[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        image = np.asarray(self.image)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise InputError(
                f"picture {self.name!r}: expected uint8 RGB of shape (H, W, 3), "
                f"got {image.dtype} of shape {image.shape}"
            )
        for name, ids in self.maps.items():
            if ids.shape != image.shape[:2]:
                raise InputError(
                    f"picture {self.name!r}: {name} has shape {ids.shape}, "
                    f"the picture {image.shape[:2]}"
                )

    @property
    def maps(self) -> dict[str, np.ndarray]:
        """The maps that there are, by their column."""
        given = {name: getattr(self, name) for name in MAPS}
        return {name: np.asarray(ids) for name, ids in given.items() if ids is not None}


def draw_panels(
    samples: Sequence[PanelSample],
    path: str | os.PathLike,
    classes: Sequence[str],
    palette: Sequence[Colour] | None = None,
) -> None:
    """Write the panel of ``samples`` to ``path``, a PNG.

    Raises:
        InputError: another suffix, and what :func:`panel_figure` raises.
        OSError: the file cannot be written.
    """
    check_suffix(path, (".png",))
    save_figure(panel_figure(samples, classes, palette), path)


def panel_figure(
    samples: Sequence[PanelSample],
    classes: Sequence[str],
    palette: Sequence[Colour] | None = None,
) -> Figure:
    """One row for each sample, or a row for each map where all pictures are wide.

    Columns that no sample fills are left out. Segments have their class's colour of
    ``palette`` (RGB, 0 to 255; by default one is made up), instances of a class its shades.

    Raises:
        InputError: no sample, or fewer colours than classes.
    """
    if not samples:
        raise InputError("no picture to draw: samples is empty")
    palette = _full_palette(palette, len(classes))
    layout = _Layout(samples)
    width = layout.total_width
    legend = legend_rows([m for s in samples for m in s.maps.values()], classes, width - 2 * MARGIN)
    canvas = PanelCanvas(
        width, layout.total_height + LEGEND_ROW * len(legend) + EDGE, classes, palette
    )
    layout.draw_headers(canvas)
    for number, sample in enumerate(samples):
        if sample.name:
            middle = layout.tops[number] + CAPTION / 2
            canvas.text(MARGIN, middle, sample.name, 9, ha="left", color=FAINT)
        _draw_sample(canvas, sample, layout, number)
    canvas.legend(legend, layout.total_height)
    return canvas.figure


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
    long, scale = max(size), 1 + _is_wide(size)
    if long <= LARGE * scale:
        factor = max(1, round(SMALL * scale / long))
        return size[0] * factor, size[1] * factor
    ratio = LARGE * scale / long
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))


def _is_wide(size: tuple[int, int]) -> bool:
    return size[1] >= WIDE * size[0]


class _Layout:
    """Where everything lies, in pixels.

    Attributes:
        columns: those that a sample fills.
        stacked: whether each sample's columns lie below one another.
        sizes: height and width of each sample's pictures.
        tops: where each sample begins.
    """

    def __init__(self, samples: Sequence[PanelSample]) -> None:
        self.columns = ["image", *(c for c in MAPS if any(c in s.maps for s in samples))]
        self.stacked = all(_is_wide(sample.image.shape[:2]) for sample in samples)
        self.sizes = [panel_size(sample.image.shape[:2]) for sample in samples]
        self.width = max(NARROWEST, *(size[1] for size in self.sizes))
        self.tops, self._captions = [], [CAPTION * bool(sample.name) for sample in samples]
        y = EDGE + HEADER * (not self.stacked)
        for caption, (height, _) in zip(self._captions, self.sizes, strict=True):
            self.tops.append(y)
            step = height + GAP
            y += caption + (len(self.columns) * (HEADER + step) if self.stacked else step)
        self.total_height = y
        across = 1 if self.stacked else len(self.columns)
        self.total_width = 2 * MARGIN + across * (self.width + GAP) - GAP

    def corner(self, sample: int, column: int) -> tuple[int, int]:
        """x and y of the top left corner of a picture."""
        height, width = self.sizes[sample]
        x = MARGIN + (self.width - width) // 2
        y = self.tops[sample] + self._captions[sample]
        if self.stacked:
            return x, y + HEADER + column * (HEADER + height + GAP)
        return x + column * (self.width + GAP), y

    def draw_headers(self, canvas: PanelCanvas) -> None:
        """Say what each column, or each picture of a stack, shows."""
        if self.stacked:
            for sample in range(len(self.sizes)):
                for number, column in enumerate(self.columns):
                    y = self.corner(sample, number)[1] - HEADER / 2
                    canvas.text(MARGIN, y, COLUMNS[column], 12, weight="bold", ha="left")
            return
        for number, column in enumerate(self.columns):
            middle = MARGIN + number * (self.width + GAP) + self.width / 2
            canvas.text(middle, EDGE + HEADER / 2, COLUMNS[column], 12, weight="bold")


def _draw_sample(canvas: PanelCanvas, sample: PanelSample, layout: _Layout, number: int) -> None:
    size, maps = layout.sizes[number], sample.maps
    image = resize(np.asarray(sample.image), size, smooth=True)
    truth = maps.get("truth")
    truth_shades = None if truth is None else instance_shades(truth)
    for place, column in enumerate(layout.columns):
        x, y = layout.corner(number, place)
        if column == "image":
            canvas.picture(x, y, image)
        elif column not in maps:
            middle = (x + size[1] / 2, y + size[0] / 2)
            canvas.text(*middle, f"no {COLUMNS[column]}", color=FAINT)
        else:
            ids, shades = maps[column], truth_shades
            if column != "truth":
                known = (truth, truth_shades) if column == "prediction" else ()
                shades = instance_shades(ids, *known)
            canvas.segments(x, y, image, resize(ids, size, smooth=False), shades)
            if column == "instances":
                scale = size[1] / sample.image.shape[1], size[0] / sample.image.shape[0]
                canvas.boxes(x, y, sample.boxes, scale, shades)
