"""The pictures that an inferencer is given: paths, arrays, and what becomes one of the two."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
import torch
from mmdet.apis.det_inferencer import IMG_EXTENSIONS
from mmengine.logging import print_log
from PIL import Image, ImageOps

from mmpanonas.errors import InputError
from mmpanonas.files import IS_FOLDER, irregularity
from mmpanonas.visualization.pictures.hook import read_picture

Picture = str | os.PathLike | np.ndarray | Image.Image | torch.Tensor
EXPECTED = (
    "expected a path, a folder, a URL, a uint8 array or tensor (H, W, 3) in BGR, (H, W), (H, W, 1) "
    "in grey or (H, W, 4) in BGRA, or a picture of PIL"
)


def list_pictures(inputs: Picture | Iterable[Picture]) -> list[str | np.ndarray]:
    """Paths, the pictures of folders in the order of their names, and arrays, as a flat list.

    Hidden files of a folder, such as the ``._a.jpg`` of a Mac, are left out, with a line that says
    so; sub-folders are not looked into. Arrays are uint8 BGR (H, W, 3).

    Raises:
        InputError: a path does not exist, a folder holds no picture, or one of the inputs is
            nothing that a picture can be made of.
    """
    single = isinstance(inputs, Picture)
    if not single and (
        not isinstance(inputs, Iterable) or isinstance(inputs, bytes | bytearray | dict | set)
    ):
        raise InputError(f"got {_described(inputs)}; {EXPECTED}, or a list of them")
    found: list[str | np.ndarray] = []
    for number, one in enumerate([inputs] if single else inputs, 1):
        where = "the picture" if single else f"picture {number}"
        if isinstance(one, str | os.PathLike):
            found += _paths(one)
        else:
            found.append(_pixels(one, where))
    return found


def _paths(path: str | os.PathLike) -> list[str]:
    """The path itself or the pictures of the folder."""
    text = os.fsdecode(path)
    if text.startswith("file://"):
        text = unquote(urlparse(text).path)
    if "://" in text:
        return [text]
    path = Path(text)
    if not text:
        raise InputError("picture '' does not exist")
    with contextlib.suppress(FileNotFoundError):
        problem = irregularity(text)
        if problem and problem != IS_FOLDER:
            raise InputError(f"picture {text[:200]} {problem}")
    if path.is_dir():
        members = [p for p in path.iterdir() if p.suffix.lower() in IMG_EXTENSIONS]
        shown = sorted(p for p in members if not p.name.startswith("."))
        hidden = len(members) - len(shown)
        if hidden:
            print_log(f"{path}: {hidden} hidden file{'s' * (hidden > 1)} left out", "current")
        if not shown:
            raise InputError(
                f"folder {path} holds no picture ({', '.join(IMG_EXTENSIONS)}); its sub-folders "
                f"are not looked into: give them by name"
            )
        return list(map(str, shown))
    if not path.is_file():
        raise InputError(f"picture {text} does not exist")
    return [text]


def _pixels(picture: object, where: str) -> np.ndarray:
    """An array, a tensor or a picture of PIL as uint8 BGR (H, W, 3)."""
    if isinstance(picture, Image.Image):
        return _pil_pixels(picture, where)
    if isinstance(picture, torch.Tensor):
        picture = picture.detach().cpu()
        picture = picture.float().numpy() if picture.is_floating_point() else picture.numpy()
    if not isinstance(picture, np.ndarray):
        raise InputError(f"{where} is {_described(picture)}; {EXPECTED}")
    shape = picture.shape
    hint = _hint(picture)
    if hint or picture.dtype != np.uint8 or picture.ndim not in (2, 3) or not picture.size:
        raise InputError(f"{where} is {_described(picture)}{hint}; {EXPECTED}")
    if picture.ndim == 2 or shape[2] == 1:
        return np.repeat(picture.reshape(*shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(picture if shape[2] == 3 else picture[..., :3])


def _hint(picture: np.ndarray) -> str:
    """What to do about an array that cannot be taken as it is; empty for others."""
    shape = picture.shape
    if not picture.size:
        return ": it holds no pixel"
    if picture.ndim == 4:
        return ": give a batch as a list of arrays"
    if picture.ndim == 3 and shape[2] not in (1, 3, 4):
        first = shape[0] in (1, 3, 4)
        return ": channels come last, transpose(1, 2, 0)" if first else ": 1, 3 or 4 channels"
    if picture.dtype.kind == "f":
        return ": scale floats to 0 .. 255, round them, astype(numpy.uint8)"
    if picture.dtype == np.uint16:
        return ": divide 16 bits by 257, astype(numpy.uint8)"
    return ""


def _pil_pixels(picture: Image.Image, where: str) -> np.ndarray:
    if picture.mode[0] in "IF":  # convert() would cut the values off
        raise InputError(
            f"{where} is one of PIL of mode {picture.mode}: scale it to 8 bits; {EXPECTED}"
        )
    try:
        upright = ImageOps.exif_transpose(picture)  # as pictures of files are turned
        pixels = np.asarray(upright.convert("RGB"))[..., ::-1]
    except (OSError, ValueError) as error:  # such as a mode that becomes no RGB
        raise InputError(f"{where}: PIL cannot decode it: {error}") from None
    if not pixels.size:
        raise InputError(f"{where} is one of PIL of size {picture.size}; {EXPECTED}")
    return np.ascontiguousarray(pixels)


def _described(thing: object) -> str:
    if isinstance(thing, np.ndarray):
        return f"{thing.dtype} of shape {thing.shape}"
    return f"{type(thing).__name__} {str(thing)[:40]!r}"


def read_bgr(picture: str | np.ndarray) -> np.ndarray:
    """The picture at a path as uint8 BGR (H, W, 3); an array is taken as it is.

    Raises:
        InputError: the file does not exist, or cannot be read or decoded.
    """
    if isinstance(picture, np.ndarray):
        return picture
    with contextlib.suppress(FileNotFoundError):  # which the reader tells
        problem = None if "://" in picture else irregularity(picture)
        if problem:  # such as a pipe, whose reader would wait for ever
            raise InputError(f"picture {picture} {problem}")
    return read_picture(picture)[..., ::-1].copy()
