"""A made-up release of ADE20K: the folders of its archives, small pictures, known labels."""

from pathlib import Path

import numpy as np
from PIL import Image

HAND_MADE = {
    "semantic": [
        [3, 3, 3, 3, 0, 0],  # sky, unlabelled
        [1, 1, 8, 8, 8, 1],  # wall, bed
        [1, 1, 8, 8, 13, 1],  # ... person
        [4, 4, 4, 4, 4, 4],  # floor
    ],
    "class": [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0],  # bed is thing class 1, person 4
        [0, 4, 1, 1, 0, 0],
        [0, 0, 1, 0, 0, 0],
    ],
    "number": [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 7, 7, 0, 0],
        [0, 2, 7, 7, 0, 0],
        [0, 0, 7, 0, 0, 0],
    ],
}


def write_picture(root: Path, folder: str, stem: str, semantic, classes, numbers) -> None:
    """One picture and its two maps, each (H, W)."""
    semantic = np.array(semantic, np.uint8)
    instances = np.stack([np.array(classes), np.array(numbers), np.zeros_like(semantic)], -1)
    for kind in ("images", "annotations", "annotations_instance"):
        (root / kind / folder).mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.stack([semantic] * 3, -1)).save(root / "images" / folder / f"{stem}.jpg")
    Image.fromarray(semantic).save(root / "annotations" / folder / f"{stem}.png")
    Image.fromarray(instances.astype(np.uint8)).save(
        root / "annotations_instance" / folder / f"{stem}.png"
    )


def write_release(root: Path, train: int = 4, val: int = 2, size: tuple[int, int] = (4, 6)) -> None:
    """The hand-made picture, enlarged to ``size`` (a multiple of 4 x 6), so many times."""
    scale = np.ones((size[0] // 4, size[1] // 6), int)
    maps = [np.kron(np.array(HAND_MADE[key]), scale) for key in ("semantic", "class", "number")]
    for folder, name, number in (("training", "train", train), ("validation", "val", val)):
        for index in range(1, number + 1):
            write_picture(root, folder, f"ADE_{name}_{index:08d}", *maps)
