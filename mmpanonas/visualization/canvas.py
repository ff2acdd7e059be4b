"""A figure measured in inches with the few shapes that diagrams are made of."""

import os
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.textpath import TextPath

from mmpanonas.errors import InputError
from mmpanonas.files import write_atomically

LONGEST = 120  # characters of a name
DOTS = "\N{HORIZONTAL ELLIPSIS}"
TIMES = "\N{MULTIPLICATION SIGN}"
INK = "#22272e"
FAINT = "#5b6673"
LINE = "#8d97a3"
CARD, CARD_EDGE = "#f6f8fa", "#d5dbe1"

#: Text stays text in an SVG (it can be searched), and equal figures make equal files.
_SAVE_SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "mmpanonas"}


def save_figure(figure: Figure, path: str | os.PathLike, dpi: int | None = None) -> None:
    """Write ``figure`` as the PNG or SVG that the suffix of ``path`` asks for.

    A reader of ``path`` sees the old file or the new one, never a part. The folder is
    made when it is missing.

    Raises:
        InputError: another suffix than .png or .svg.
        OSError: the file cannot be written.
    """
    path = check_suffix(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
    file = BytesIO()
    with matplotlib.rc_context(_SAVE_SETTINGS):
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=dpi or "figure", metadata=metadata)
    write_atomically(path, file.getvalue())


def figure_pixels(figure: Figure) -> np.ndarray:
    """The figure as it would be written to a PNG: uint8 RGB (H, W, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def check_suffix(path: str | os.PathLike, suffixes: tuple[str, ...] = (".png", ".svg")) -> Path:
    """Return ``path``, or raise ``InputError`` unless it ends in one of ``suffixes``."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        known = " or ".join(suffixes)
        raise InputError(f"cannot write a picture to {path}: its name must end in {known}")
    return path


@lru_cache(maxsize=4096)  # the same class names come in every picture
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width in inches of one line of text of ``size`` points in the default font."""
    # TextPath would take the text between two dollars for a formula; Canvas.text does not.
    text = drawable(text).replace("$", "S")
    path = TextPath((0, 0), text, size=size, prop=FontProperties(weight=weight)) if text else None
    if path is None or not len(path.vertices):  # no ink
        return 0.0
    return max(path.get_extents().width / 72, 0.0)


@lru_cache(maxsize=4096)
def fitting(text: str, size: float, width: float) -> str:
    """``text``, or as much of its beginning as is at most ``width`` inches wide, and dots."""
    end = min(len(text), LONGEST)
    if end == len(text) and text_width(text, size) <= width:
        return text
    while end > 1 and text_width(f"{text[:end]}{DOTS}", size) > width:
        end = min(end - 1, max(1, int(end * width / text_width(text[:end], size))))
    return f"{text[:end]}{DOTS}"


def drawable(text: str) -> str:
    """``text`` on one line, with a question mark for what no font can be asked for."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(one if one.isprintable() else " " if one.isspace() else "?" for one in text)


class Canvas:
    """One axes over a whole figure; x to the right and y *down*, both in inches."""

    def __init__(self, width: float, height: float, dpi: int) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        self.axes.set_axis_off()

    def text(self, x: float, y: float, text: str, size: float = 9, **style) -> None:
        """Write at a point; ``style`` is matplotlib's, centred both ways by default."""
        style = {"ha": "center", "va": "center", "color": INK, **style}
        self.axes.text(x, y, drawable(text), fontsize=size, parse_math=False, **style)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        face: str,
        edge: str = "none",
        line: float = 1.0,
        radius: float = 0.06,
        **style,
    ) -> None:
        """A rounded rectangle with its top left corner at (x, y); the line width in points."""
        self.axes.add_patch(
            FancyBboxPatch(
                (x, y),
                width,
                height,
                boxstyle=f"round,pad=0,rounding_size={radius}",
                facecolor=face,
                edgecolor=edge,
                linewidth=line,
                **style,
            )
        )

    def line(self, points: Sequence[tuple[float, float]], width: float = 1.3, **style) -> None:
        """A polygonal line."""
        xs, ys = zip(*points, strict=True)
        self.axes.plot(xs, ys, linewidth=width, **{"color": LINE, "zorder": 1.5, **style})

    def arrow(
        self, points: Sequence[tuple[float, float]], width: float = 1.3, color: str = LINE
    ) -> None:
        """A polygonal line whose last piece ends in an arrow head."""
        if len(points) > 2:
            self.line(points[:-1], width, color=color, solid_capstyle="butt")
        self.axes.add_patch(
            FancyArrowPatch(
                points[-2],
                points[-1],
                arrowstyle="-|>,head_length=0.35,head_width=0.18",
                mutation_scale=12,
                shrinkA=0,
                shrinkB=0,
                linewidth=width,
                color=color,
                zorder=1.6,
            )
        )
