"""The embedded data set "shapes": rendered pictures in COCO panoptic format.

Objects of six thing classes, textured, turned, stretched and in front of each other, lie on
regions of two to four stuff classes with curved borders. Picture ``index`` of a split depends
on seed, split, index and size alone, so the first pictures of a larger set are those of a
smaller one.

    <root>/shapes.json                                  what was asked for
    <root>/images/<split>/<stem>.jpg
    <root>/annotations/panoptic_<split>.json
    <root>/annotations/panoptic_<split>/<stem>.png
"""

import dataclasses
import functools
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
from tqdm import tqdm

from mmpanonas.datasets.shapes.rendering import (
    DIFFICULTY,
    FIRST_STUFF_ID,
    STUFF,
    THINGS,
    Difficulty,
    render_picture,
)
from mmpanonas.errors import InputError
from mmpanonas.files import irregularity, write_atomically
from mmpanonas.panoptic.png import write_panoptic_png

RECORD = "shapes.json"
VERSION = 1
"""Raise it when the same settings give other pictures, so that old folders are replaced."""
JPEG_QUALITY = 92
MAX_PIXELS = 2**24
IDS_PER_SPLIT = 1_000_000
"""Image ids of the second split start this much above those of the first."""

CATEGORIES = [
    {"id": number, "name": name, "supercategory": "shape", "isthing": 1}
    for number, name in enumerate(THINGS, start=1)
] + [
    {"id": number, "name": name, "supercategory": "ground", "isthing": 0}
    for number, name in enumerate(STUFF, start=FIRST_STUFF_ID)
]


def write_shapes(
    root: str | os.PathLike,
    num_images: Mapping[str, int],
    size: tuple[int, int] = (128, 128),
    seed: int = 0,
    difficulty: Difficulty = DIFFICULTY,
    progress: bool = False,
) -> bool:
    """Write a data set, unless ``root`` already holds exactly the one asked for.

    Args:
        root: a folder that is new, empty, or was written by this function (then replaced).
        num_images: pictures per split, such as ``{"train": 400, "val": 100}``.
        size: height, width.
        seed: of all pictures.
        difficulty: of all pictures.
        progress: whether to print a bar.

    Returns:
        Whether anything was written.

    Raises:
        InputError: a number is negative, the size out of bounds, or :data:`RECORD` no file.
        FileExistsError: ``root`` holds something else.
        OSError: ``root`` cannot be written.
    """
    if not num_images or min(num_images.values()) < 0 or min(size) < 16 or seed < 0:
        raise InputError(
            f"num_images {dict(num_images)}, size {tuple(size)}, seed {seed} were given; numbers "
            "of at least 0 and sides of at least 16 were expected"
        )
    if size[0] * size[1] > MAX_PIXELS:
        raise InputError(
            f"pictures of {size[0]} x {size[1]} were given; at most {MAX_PIXELS:,} pixels (4096 x "
            f"4096) were expected: each is painted in memory"
        )
    root = Path(root)
    settings = {
        "version": VERSION,
        "num_images": dict(num_images),
        "size": list(size),
        "seed": seed,
        "difficulty": dataclasses.asdict(difficulty),
    }
    settings = json.loads(json.dumps(settings))
    if _holds(root, settings):
        return False
    _clear(root)
    write_atomically(root / RECORD, json.dumps(settings))
    render = functools.partial(
        render_picture, seed, height=size[0], width=size[1], difficulty=difficulty
    )
    for place, (split, number) in enumerate(num_images.items()):
        _write_split(root, split, place * IDS_PER_SPLIT + 1, number, render, progress)
    return True


def _write_split(
    root: Path, split: str, first_id: int, number: int, render: Callable, progress: bool
) -> None:
    """Write ``number`` pictures ``render(split=split, index=...)`` and their annotations."""
    image_dir = root / "images" / split
    segment_dir = root / "annotations" / f"panoptic_{split}"
    image_dir.mkdir(parents=True)
    segment_dir.mkdir(parents=True)
    images, annotations = [], []
    for index in tqdm(range(number), desc=f"render {split}", disable=not progress):
        image, ids, segments = render(split=split, index=index)
        stem = f"{split}_{index:06d}"
        image_id = first_id + index
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        (image_dir / f"{stem}.jpg").write_bytes(encoded.tobytes())
        write_panoptic_png(segment_dir / f"{stem}.png", ids)
        height, width = ids.shape
        images.append(
            {"id": image_id, "file_name": f"{stem}.jpg", "width": width, "height": height}
        )
        annotations.append(
            {"image_id": image_id, "file_name": f"{stem}.png", "segments_info": segments}
        )
    content = {"images": images, "annotations": annotations, "categories": CATEGORIES}
    write_atomically(root / "annotations" / f"panoptic_{split}.json", json.dumps(content))


def _holds(root: Path, settings: dict) -> bool:
    """Whether ``root`` was written to the end with these settings and nothing is missing."""
    if _read_record(root) != settings:
        return False
    # A split's JSON is written last, so it is missing after an interrupted run.
    return all(
        (root / "annotations" / f"panoptic_{split}.json").is_file()
        and _count(root / "images" / split) == number
        and _count(root / "annotations" / f"panoptic_{split}") == number
        for split, number in settings["num_images"].items()
    )


def _clear(root: Path) -> None:
    """Empty a folder that an earlier run wrote; refuse any other that is not empty.

    A record that is not ours, or was damaged, may lie beside others' pictures.
    """
    if root.is_dir() and _read_record(root) is not None:
        for folder in ("images", "annotations"):
            shutil.rmtree(root / folder, ignore_errors=True)
    elif root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(
            f"'{root}' holds something else than a shapes data set (it has no {RECORD} "
            "written by this tool), and is left as it is; give a new or an empty folder"
        )
    root.mkdir(parents=True, exist_ok=True)


def _read_record(root: Path) -> dict | None:
    """What an earlier run was asked for; None if there was none."""
    path = root / RECORD
    try:
        problem = irregularity(path)
        record = None if problem else json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    if problem:
        raise InputError(f"'{path}' {problem}; give a new or an empty folder")
    ours = isinstance(record, dict) and {"version", "num_images", "difficulty"} <= record.keys()
    return record if ours else None


def _count(folder: Path) -> int:
    return len(os.listdir(folder)) if folder.is_dir() else -1
