"""The canvas of panoptic panels, measured in pixels: pictures, segments, names, boxes, legend."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from mmpanonas.visualization.canvas import INK, Canvas, fitting, text_width
from mmpanonas.visualization.pictures.segments import (
    VOID,
    VOID_STRIPES,
    Colour,
    labels_of,
    overlay,
    place_names,
    shade,
    short_names,
)

DPI = 100
MARGIN = 16  # pixels, at the sides
LEGEND_ROW = 26  # pixels
NAME_SIZE = 9.5  # points
LEGEND_SIZE = 10  # points


class PanelCanvas(Canvas):
    """A canvas of ``width`` x ``height`` pixels for segments of ``classes``.

    Args:
        palette: RGB, 0 to 255, one for each class.
    """

    def __init__(
        self, width: int, height: int, classes: Sequence[str], palette: Sequence[Colour]
    ) -> None:
        super().__init__(width / DPI, height / DPI, DPI)
        self.rows, self.columns = height, width
        self.classes, self.palette = classes, palette
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        self.axes.set_zorder(1)  # over the pictures

    def picture(self, x: int, y: int, pixels: np.ndarray) -> None:
        """Put ``pixels`` with their top left corner at (x, y), one to one."""
        self.figure.figimage(pixels, x, self.rows - y - pixels.shape[0], origin="upper")

    def segments(
        self, x: int, y: int, image: np.ndarray, ids: np.ndarray, shades: Mapping[int, int]
    ) -> None:
        """Put segments over ``image`` of their size, and names on those that are large enough."""
        self.picture(x, y, overlay(image, ids, self.palette, shades))
        present = set(np.unique(labels_of(np.unique(ids), len(self.classes)))) & set(
            range(len(self.classes))
        )
        names = [fitting(name, NAME_SIZE, ids.shape[1] / DPI) for name in short_names(self.classes)]
        widths = {names[n]: text_width(names[n], NAME_SIZE) * DPI + 6 for n in present}
        outline = [withStroke(linewidth=2.2, foreground=INK)]
        for name in place_names(ids, names, widths, NAME_SIZE * DPI / 72 + 2):
            style = {"color": "white", "path_effects": outline}
            self.text(x + name.x, y + name.y, name.text, NAME_SIZE, **style)

    def boxes(
        self,
        x: int,
        y: int,
        boxes: Mapping[int, Sequence[float]],
        scale: tuple[float, float],
        shades: Mapping[int, int],
    ) -> None:
        """Draw boxes x1, y1, x2, y2 in the colours of their ids, scaled (x, y) before."""
        for one, corners in boxes.items():
            x1, y1, x2, y2 = np.asarray(corners, float) * (scale * 2)
            label = int(labels_of(np.array(one), len(self.classes)))
            colour = _rgb(shade(tuple(self.palette[label]), shades.get(one, 0)))
            for width, edge in ((3.0, INK), (1.6, colour)):  # dark beside light pictures
                patch = Rectangle((x + x1, y + y1), x2 - x1, y2 - y1, fill=False)
                patch.set(edgecolor=edge, linewidth=width)
                self.axes.add_patch(patch)

    def legend(self, rows: Sequence[Sequence[tuple[int, float]]], y: float) -> None:
        """Draw what :func:`legend_rows` gives, from ``y`` on."""
        for number, row in enumerate(rows):
            top = y + number * LEGEND_ROW + 4
            for label, x in row:
                left = MARGIN + x
                swatch = {"edgecolor": INK, "linewidth": 0.7, "facecolor": _rgb(VOID_STRIPES[1])}
                if label == VOID:
                    swatch |= {"hatch": "/////", "edgecolor": _rgb(VOID_STRIPES[0])}
                else:
                    swatch["facecolor"] = _rgb(self.palette[label])
                self.axes.add_patch(Rectangle((left, top), 18, 14, **swatch))
                text = _legend_name(label, self.classes, self.columns - 2 * MARGIN)
                self.text(left + 24, top + 7.5, text, LEGEND_SIZE, ha="left")


def legend_rows(
    maps: Sequence[np.ndarray], classes: Sequence[str], width: float
) -> list[list[tuple[int, float]]]:
    """The labels that occur in ``maps``, in rows that fit into ``width``.

    Each is ``(label, x)`` with x from the left margin; void comes last.
    """
    labels = {int(n) for ids in maps for n in np.unique(labels_of(ids, len(classes)))}
    labels = sorted(n for n in labels if n >= 0) + [VOID] * (VOID in labels)
    rows, x = [[]], 0.0
    for label in labels:
        name = _legend_name(label, classes, width)
        step = 24 + text_width(name, LEGEND_SIZE) * DPI + 20
        if rows[-1] and x + step > width:
            rows.append([])
            x = 0.0
        rows[-1].append((label, x))
        x += step
    return [row for row in rows if row]


def _legend_name(label: int, classes: Sequence[str], width: float) -> str:
    """What the legend, ``width`` pixels wide, calls a class."""
    name = "void" if label == VOID else short_names(classes)[label]
    return fitting(name, LEGEND_SIZE, (width - 24) / DPI)


def _rgb(colour: Colour) -> tuple[float, ...]:
    return tuple(c / 255 for c in colour)
