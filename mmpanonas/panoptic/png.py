"""Segment ids in the RGB PNGs of the COCO panoptic format: id = R + 256 G + 256^2 B."""

import os
import struct
import zlib

import cv2
import numpy as np
from kornia_rs.io import decode_image_png_u8

from mmpanonas.errors import InputError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_HEAD = PNG_SIGNATURE + b"\0\0\0\x0dIHDR"
"""With what every PNG begins; width, height, bit depth and colour type follow."""
RGB = 2
"""The colour type of three channels."""
VOID_ID = 0
"""The id of pixels that belong to no segment."""
MAX_ID = (1 << 24) - 1
"""The largest id that three bytes hold."""


def read_panoptic_png(path: str | os.PathLike) -> np.ndarray:
    """Read the segment ids of a panoptic PNG.

    Args:
        path: a file written as the COCO panoptic format asks.

    Returns:
        int32 array (H, W); 0 is void.

    Raises:
        InputError: there is no such file, or it is truncated, damaged or not a PNG.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise InputError(
            f"panoptic PNG '{os.fspath(path)}' does not exist; check the folder given for the "
            "segment PNGs (data_prefix['seg']) and the file_name in the annotation file"
        ) from None
    return decode_panoptic_png(data, os.fspath(path))


def decode_panoptic_png(data: bytes, name: str = "<bytes>") -> np.ndarray:
    """Decode the bytes of a panoptic PNG to ids, int32 (H, W); ``name`` serves in errors.

    Raises:
        InputError: the bytes are truncated, damaged or not a PNG.
    """
    problem = png_problem(data)
    if problem:
        raise InputError(
            f"panoptic PNG '{name}' {problem} ({len(data)} bytes); a whole PNG was expected: "
            "copy or download the file again"
        )
    try:
        rgb = _decode_rgb(data)
    except Exception as error:  # kornia-rs raises nothing narrower
        raise InputError(
            f"panoptic PNG '{name}' cannot be decoded, though it looks whole ({error}); an 8-bit "
            "RGB PNG was expected: write the file again"
        ) from None
    # Four bytes R, G, B, alpha read as one little-endian number hold the id in the low three.
    ids = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA).view("<i4")[..., 0]
    ids &= MAX_ID
    return ids


def _decode_rgb(data: bytes) -> np.ndarray:
    """The pixels of a PNG whose chunks are whole, uint8 (H, W, 3).

    kornia-rs takes a tenth to a half of OpenCV's time, but knows no palette and no alpha.
    """
    width, height, depth, colour = struct.unpack_from(">IIBB", data, len(PNG_HEAD))
    if (depth, colour) == (8, RGB):
        return decode_image_png_u8(data, (height, width), "rgb")
    rgb = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if rgb is None:
        raise ValueError("OpenCV finds no picture in it")
    return rgb


def write_panoptic_png(path: str | os.PathLike, ids: np.ndarray) -> None:
    """Write segment ids, any integer type (H, W), as a panoptic PNG.

    Raises:
        InputError: the array has another shape or type, or an id is negative or above 2^24 - 1.
        OSError: the file cannot be written.
    """
    ids = np.asarray(ids)
    if ids.ndim != 2 or ids.size == 0 or not np.issubdtype(ids.dtype, np.integer):
        raise InputError(
            f"ids for '{os.fspath(path)}' have shape {ids.shape} and type {ids.dtype}; integers "
            "of shape (H, W) were expected"
        )
    if ids.min() < 0 or ids.max() > MAX_ID:
        raise InputError(
            f"ids for '{os.fspath(path)}' run from {ids.min()} to {ids.max()}; three bytes hold "
            f"0 to {MAX_ID}: number the segments anew"
        )
    bytes_rgba = np.ascontiguousarray(ids, dtype="<u4").view(np.uint8).reshape(*ids.shape, 4)
    encoded = cv2.imencode(".png", cv2.cvtColor(bytes_rgba, cv2.COLOR_RGBA2BGR))[1]
    with open(path, "wb") as file:
        file.write(encoded.tobytes())


def png_problem(data: bytes) -> str | None:
    """Say what is wrong with the bytes of a PNG, or None if all its chunks are whole.

    Decoders fill what is missing with black, which would read as void, so the chunks are
    walked and their check sums compared.
    """
    if not data:
        return "is empty"
    if not data.startswith(PNG_HEAD):
        return "is not a PNG"
    start = len(PNG_SIGNATURE)
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        end = start + 12 + length
        if end > len(data):
            break
        kind = data[start + 4 : start + 8]
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(memoryview(data)[start + 4 : end - 4]) != checksum:
            return "is damaged"
        if kind == b"IEND":
            return None
        start = end
    return "is truncated"
