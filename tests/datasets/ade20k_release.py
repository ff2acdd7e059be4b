"""Made-up releases of ADE20K: the folders of its archives, small or rendered pictures."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from mmpanonas.datasets.converters.ade20k import THING_LABELS
from mmpanonas.datasets.shapes import CATEGORIES, render_picture

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


#: ADE20K's labels for the classes of "shapes", whose pictures stand in for photographs.
LABELS = dict(disc=120, square=42, triangle=58, star=149, ring=143, cross=44)
LABELS |= dict(grass=10, sand=47, water=22, brick=1)


def write_picture(
    root: Path, folder: str, stem: str, semantic, classes, numbers, image=None
) -> None:
    """One picture and its two maps, each (H, W); ``image`` (H, W, 3) is RGB, else the labels."""
    semantic = np.array(semantic, np.uint8)
    instances = np.stack([np.array(classes), np.array(numbers), np.zeros_like(semantic)], -1)
    for kind in ("images", "annotations", "annotations_instance"):
        (root / kind / folder).mkdir(parents=True, exist_ok=True)
    image = np.stack([semantic] * 3, -1) if image is None else image
    Image.fromarray(image).save(root / "images" / folder / f"{stem}.jpg", quality=92)
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


def write_rendered_release(root: Path, numbers: Mapping[str, int], size: tuple[int, int]) -> None:
    """Pictures of "shapes", so many a split (train, val): each second one is portrait.

    Grass, sand, water and brick are ADE20K's grass, sand, water and wall; disc, square, triangle,
    star, ring and cross its ball, box, pillow, clock, plate and sign.
    """
    labels = {kind["id"]: LABELS[kind["name"]] for kind in CATEGORIES}
    for folder, name in (("training", "train"), ("validation", "val")):
        for index in range(numbers[name]):
            image, ids, segments = render_picture(0, name, index, *size[:: -1 if index % 2 else 1])
            semantic, classes, instances = (np.zeros(ids.shape, np.uint8) for _ in range(3))
            for segment in segments:
                label, place = labels[segment["category_id"]], ids == segment["id"]
                semantic[place] = label
                if label in THING_LABELS:
                    classes[place] = THING_LABELS.index(label) + 1
                    instances[place] = segment["id"] % 1000
            stem = f"ADE_{name}_{index + 1:08d}"
            maps = (semantic, classes, instances)
            write_picture(root, folder, stem, *maps, image[..., ::-1])
