"""The pictures that an inferencer is given."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from mmdet.apis.det_inferencer import IMG_EXTENSIONS

from mmpanonas.errors import InputError
from mmpanonas.visualization.panel_hook import read_picture, unused_stem

Picture = str | os.PathLike | np.ndarray


def list_pictures(inputs: Picture | Sequence[Picture]) -> list[str | np.ndarray]:
    """Paths, the pictures of folders in the order of their names, and arrays, as a flat list.

    Raises:
        InputError: a path does not exist, or a folder holds no picture.
    """
    if isinstance(inputs, str | os.PathLike | np.ndarray):
        inputs = [inputs]
    found: list[str | np.ndarray] = []
    for one in inputs:
        if isinstance(one, np.ndarray) or "://" in str(one):
            found.append(one)
            continue
        path, members = Path(one), [one]
        if path.is_dir():
            members = sorted(p for p in path.iterdir() if p.suffix.lower() in IMG_EXTENSIONS)
            if not members:
                raise InputError(f"folder {path} holds no picture ({', '.join(IMG_EXTENSIONS)})")
        elif not path.is_file():
            raise InputError(f"picture {path} does not exist")
        found += map(str, members)
    return found


def read_bgr(picture: str | np.ndarray) -> np.ndarray:
    """The picture at a path as uint8 BGR (H, W, 3); an array is taken as it is."""
    return picture if isinstance(picture, np.ndarray) else read_picture(picture)[..., ::-1].copy()


def file_stems(pictures: Iterable[str | np.ndarray]) -> Iterator[str]:
    """A name for the files of each picture, unlike all before; an array's is its number."""
    taken: set[str] = set()
    for number, picture in enumerate(pictures, 1):
        named = f"{number:08d}" if isinstance(picture, np.ndarray) else Path(picture).stem
        yield unused_stem(named, taken)
