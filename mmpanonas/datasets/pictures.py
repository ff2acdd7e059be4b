"""Picture files as a pipeline loads them: by its own transform, or from their heads."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
from mmcv.transforms import LoadImageFromFile
from PIL import JpegImagePlugin, PngImagePlugin

from mmpanonas.errors import InputError
from mmpanonas.files import irregularity

#: What every JPEG and PNG ends with, if nothing was appended.
_ENDS = {JpegImagePlugin.JpegImageFile: b"\xff\xd9", PngImagePlugin.PngImageFile: b"IEND\xaeB`\x82"}
_TURNED = (b"Exif\0\0", b"eXIf")
"""Where these are, the decoder may turn the picture."""


def load_size(path: str | os.PathLike, loader: LoadImageFromFile | None = None) -> tuple[int, int]:
    """Width and height of a picture, decoded as ``loader`` does it in a pipeline.

    Raises:
        InputError: the file does not exist or is none, or cannot be decoded.
    """
    path = os.fspath(path)
    try:
        problem = irregularity(path)
    except FileNotFoundError:
        problem = "does not exist"
    if problem:
        raise InputError(f"'{path}' {problem}")
    try:
        found = (loader or LoadImageFromFile()).transform({"img_path": path})
    except Exception as error:  # decoders raise what they like, mmcv an AssertionError
        raise InputError(f"'{path}' {_reason(path, error)}") from None
    if found is None:
        raise InputError(f"'{path}' {_reason(path, None)}")
    height, width = found["ori_shape"][:2]
    return width, height


def picture_size(path: str | os.PathLike) -> tuple[int, int]:
    """Width and height as a pipeline loads the picture.

    The head of a plain JPEG or PNG is believed; whatever may be turned, was cut short or is of
    another format is decoded.

    Raises:
        InputError: as for :func:`load_size`.
    """
    return _plain_size(Path(path)) or load_size(path)


@contextlib.contextmanager
def quiet_decoder() -> Iterator[None]:
    """Keep OpenCV from telling on stderr what an :class:`InputError` says."""
    level = cv2.setLogLevel(0)
    try:
        yield
    finally:
        cv2.setLogLevel(level)


def _plain_size(path: Path) -> tuple[int, int] | None:
    """The size in the head of a JPEG or PNG that has its end and no EXIF data, else None."""
    try:
        if irregularity(path):
            return None
        data = path.read_bytes()
    except OSError:
        return None
    for kind, end in _ENDS.items():
        if data.endswith(end) and not any(mark in data for mark in _TURNED):
            try:
                # Not by Image.open, which warns of many pixels and refuses more.
                with path.open("rb") as file, kind(file) as picture:
                    return picture.size
            except Exception:
                continue
    return None


def _reason(path: str, error: Exception | None) -> str:
    size = os.path.getsize(path)
    if size == 0:
        return "is empty (0 bytes)"
    if isinstance(error, OSError | MemoryError):
        return f"cannot be read ({getattr(error, 'strerror', None) or 'out of memory'})"
    reason = "" if error is None or isinstance(error, AssertionError) else f" ({_line(error)})"
    return f"({size} bytes) cannot be decoded: truncated, damaged or not a picture{reason}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[-160:]
