"""Picture files: their size as it is loaded, and whether they are whole."""

import os
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from mmpanonas.errors import InputError

TAIL = 4096
"""Bytes read at a file's end; cameras and editors append a little after the end marker."""
END_MARKERS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
ORIENTATION = 0x0112
"""EXIF tag; from 5 on, a picture is turned by 90 degrees when it is loaded."""


def picture_size(path: str | os.PathLike) -> tuple[int, int]:
    """Width and height as MMCV loads the picture: a JPEG is turned as its EXIF data say.

    Only the head of the file is read.

    Raises:
        InputError: it is not a picture, or cut short in its head.
    """
    return inspect_picture(path, decode=False)[1]


def inspect_picture(path: str | os.PathLike, decode: bool) -> tuple[str, tuple[int, int]]:
    """Format (Pillow's name) and size (width, height), see :func:`picture_size`.

    Args:
        path: an existing file.
        decode: whether to decode the whole picture. Damage that a JPEG decoder passes over is
            not found.

    Raises:
        InputError: it is not a picture, cut short, or cannot be decoded.
    """
    path = Path(path)
    try:
        with Image.open(path) as picture:
            kind, size = picture.format, picture.size
            # Of a PNG, Pillow would decode the whole picture to look for them.
            turned = kind == "JPEG" and picture.getexif().get(ORIENTATION, 1) >= 5
            if decode:
                picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"'{path}' ({path.stat().st_size} bytes) is not a picture, or damaged: {error}"
        ) from None
    return kind, size[::-1] if turned else size


def lacks_end(path: str | os.PathLike, kind: str) -> bool:
    """Whether the end marker of a format is nowhere near the file's end."""
    marker = END_MARKERS.get(kind)
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(file.tell() - TAIL, 0))
        return marker is not None and marker not in file.read()
