"""Pictures as a network takes them."""

import os
from collections.abc import Sequence

import cv2
import numpy as np

from mmpanonas.errors import InputError

_INTERPOLATIONS = dict(
    nearest=cv2.INTER_NEAREST,
    bilinear=cv2.INTER_LINEAR,
    bicubic=cv2.INTER_CUBIC,
    area=cv2.INTER_AREA,
    lanczos=cv2.INTER_LANCZOS4,
)


def pixels(picture: np.ndarray | str | os.PathLike) -> np.ndarray:
    """The picture at a path, or one that is there: uint8 (H, W, 3), BGR. Raises ``InputError``."""
    if not isinstance(picture, np.ndarray):
        path, picture = os.fspath(picture), cv2.imread(os.fspath(picture), cv2.IMREAD_COLOR)
        if picture is None:
            raise InputError(f"{path} is no picture that OpenCV can read")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise InputError(
            f"a picture is {picture.dtype} of shape {picture.shape}; expected uint8 (H, W, 3), BGR"
        )
    return picture


def resized(
    picture: np.ndarray, scale: Sequence[int] | None, keep_ratio: bool, interpolation: str
) -> np.ndarray:
    """A picture (H, W, 3) in the size that MMDetection's ``Resize`` gives it.

    Args:
        scale: two sides in pixels, width first; None: the picture as it is.
        keep_ratio: both are limits, whichever way the picture lies.
        interpolation: in MMDetection's words.
    """
    if scale is None:
        return picture
    width, height = scale
    if keep_ratio:
        height, width = _within(picture.shape[:2], scale)
    if (height, width) == picture.shape[:2]:
        return picture
    how = _INTERPOLATIONS[interpolation]
    return cv2.resize(picture, (width, height), interpolation=how)


def _within(size: tuple[int, int], scale: Sequence[int]) -> tuple[int, int]:
    """Height and width, grown or shrunk in their ratio until one side meets its limit."""
    factor = min(max(scale) / max(size), min(scale) / min(size))
    height, width = (int(side * float(factor) + 0.5) for side in size)
    return height, width
