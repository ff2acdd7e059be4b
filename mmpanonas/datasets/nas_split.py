"""The nas_train / nas_val split: pictures held out of training, by which a search ranks."""

import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np

from mmpanonas.datasets.annotations.file import parse_panoptic_json, read_bytes
from mmpanonas.datasets.annotations.instances import read_instances
from mmpanonas.datasets.annotations.problems import (
    image_problems,
    refuse_problems,
    segment_problems,
)
from mmpanonas.datasets.files import check_file_place
from mmpanonas.errors import InputError
from mmpanonas.files import write_atomically

ImageId = TypeVar("ImageId", int, str)


def choose_held_out(
    categories: Mapping[ImageId, set[int]], num_val: int, seed: int
) -> set[ImageId]:
    """Draw pictures at random, then see to it that both parts know the categories.

    For every category that is in two pictures or more and that one part lacks, rarest first, a
    picture that has it changes places with one of the lacking part, the first two in the order
    of the draw by which no part loses a category. Where there are no two such pictures, the
    part goes without.

    Args:
        categories: the category ids that are in each picture; their order does not matter.
        num_val: pictures to draw.
        seed: of the draw.
    """
    times = Counter(category for found in categories.values() for category in found)
    common = {i: {c for c in found if times[c] > 1} for i, found in categories.items()}
    ranked = sorted(categories)
    drawn = [ranked[place] for place in np.random.default_rng(seed).permutation(len(ranked))]
    val, train = _Part(drawn[:num_val], common), _Part(drawn[num_val:], common)
    _cover(val, train)
    _cover(train, val)
    return set(val.drawn)


def split_nas(
    ann_file: str | os.PathLike,
    num_val: int,
    seed: int = 0,
    out: str | os.PathLike | None = None,
) -> tuple[Path, Path]:
    """Divide the pictures of a COCO file, panoptic or of instances, in two, in the file's order.

    Pictures without annotation tell candidates nothing: they stay in nas_train.

    Args:
        ann_file: the training annotations, such as ``panoptic_train2017.json``.
        num_val: pictures held out for the search, see :func:`choose_held_out`.
        seed: of the draw.
        out: folder to write to; None: that of ``ann_file``.

    Returns:
        paths of the two files written there, ``panoptic_nas_train2017.json`` and
        ``panoptic_nas_val2017.json`` (``<stem>_nas_train.json`` and ``<stem>_nas_val.json`` if
        the name has no "train").

    Raises:
        InputError: as :func:`read_panoptic_json`; also if ``num_val`` leaves no annotated picture
            on one side, image ids repeat, or one of the files has no place.
        OSError: the files cannot be written.
    """
    ann_file = Path(ann_file)
    content = _read(ann_file)
    image_ids = [image["id"] for image in content["images"]]
    if _of_instances(content):
        problems = list(image_problems(dict(content, annotations=[])))
    else:
        problems = [*image_problems(content), *segment_problems(content)]
    refuse_problems(problems, ann_file)
    labelled = {annotation["image_id"] for annotation in content["annotations"]}
    annotated = {i: found for i, found in categories_of(content).items() if i in labelled}
    if not 0 < num_val < len(annotated) or seed < 0:
        raise InputError(
            f"num_val {num_val} and seed {seed} were given; '{ann_file}' has {len(image_ids)} "
            f"images, {len(annotated)} of them annotated, of which at least one must stay on each "
            "side, and a seed is not negative"
        )
    held_out = choose_held_out(annotated, num_val, seed)
    train_path, val_path = nas_paths(ann_file if out is None else Path(out) / ann_file.name)
    train_path.parent.mkdir(parents=True, exist_ok=True)
    for path in (train_path, val_path):  # both or none: halves of two splits would overlap
        check_file_place(path)
    for path, members in ((train_path, set(image_ids) - held_out), (val_path, held_out)):
        write_atomically(path, json.dumps(part_of(content, members)))
    return train_path, val_path


def nas_paths(ann_file: str | os.PathLike) -> tuple[Path, Path]:
    """Where :func:`split_nas` writes the parts of an annotation file."""
    ann_file = Path(ann_file)
    head, found, tail = ann_file.stem.rpartition("train")
    if not found:
        head, tail = f"{ann_file.stem}_", ""
    train, val = (f"{head}nas_{part}{tail}{ann_file.suffix}" for part in ("train", "val"))
    return ann_file.with_name(train), ann_file.with_name(val)


def coverage(ann_file: str | os.PathLike) -> tuple[int, dict[str, int]]:
    """The number of images of an annotation file, and how many of them have each category."""
    content = _read(ann_file)
    times = Counter(c for found in categories_of(content).values() for c in found)
    names = {entry["name"]: times[entry["id"]] for entry in content["categories"]}
    return len(content["images"]), names


def print_coverage(part: str, ann_file: str | os.PathLike) -> None:
    """Print what a part has, and which categories it lacks."""
    number, times = coverage(ann_file)
    absent = [name for name, pictures in times.items() if not pictures]
    print(f"{part}: {ann_file}, {number} pictures, {len(times) - len(absent)} categories")
    if absent:
        print(f"  without {'; '.join(absent)}")


def _of_instances(content: dict) -> bool:
    """Whether annotations are objects, not pictures with their segments."""
    return bool(content["annotations"]) and "bbox" in content["annotations"][0]


def _read(ann_file: str | os.PathLike) -> dict:
    """A COCO file of panoptic segments or of instances."""
    data = read_bytes(ann_file)
    if b'"segments_info"' in data:
        return parse_panoptic_json(data, os.fspath(ann_file))
    with suppress(InputError):
        return read_instances(ann_file, data)
    return parse_panoptic_json(data, os.fspath(ann_file))  # which says what a panoptic file lacks


def categories_of(content: dict) -> dict[int | str, set[int]]:
    """Categories that count in each image: those of its segments, or objects, that are no crowd."""
    found = {image["id"]: set() for image in content["images"]}
    if _of_instances(content):
        for each in content["annotations"]:
            if each["area"] > 0 and not each["iscrowd"]:
                found.get(each["image_id"], set()).add(each["category_id"])
        return found
    for annotation in content["annotations"]:
        found.get(annotation["image_id"], set()).update(
            segment["category_id"]
            for segment in annotation["segments_info"]
            if segment["area"] > 0 and not segment.get("iscrowd", 0)
        )
    return found


class _Part:
    """Pictures of one side in the order of the draw, and how many of them have each category."""

    def __init__(self, drawn: list, categories: Mapping[ImageId, set[int]]) -> None:
        self.drawn, self.categories = drawn, categories
        self.times = Counter(c for image_id in drawn for c in categories[image_id])

    def spares(self, lost: set[int], gained: set[int]) -> bool:
        """Whether no category goes when a picture with ``gained`` replaces one with ``lost``."""
        return all(self.times[c] > 1 for c in lost - gained)

    def replace(self, place: int, image_id: ImageId) -> None:
        self.times.subtract(self.categories[self.drawn[place]])
        self.times.update(self.categories[image_id])
        self.drawn[place] = image_id


def _cover(lacking: _Part, other: _Part) -> None:
    """Exchange pictures so that ``lacking`` has every category that ``other`` can spare."""
    missing = [c for c in other.times if not lacking.times[c]]
    for category in sorted(missing, key=lambda c: (other.times[c], c)):
        if not lacking.times[category]:  # else it came with another
            for here, there in itertools.islice(_exchanges(category, lacking, other), 1):
                loss, gain = lacking.drawn[here], other.drawn[there]
                lacking.replace(here, gain)
                other.replace(there, loss)


def _exchanges(category: int, lacking: _Part, other: _Part) -> Iterator[tuple[int, int]]:
    """Places of pictures that can change parts and bring ``lacking`` the category."""
    for there, gain in enumerate(other.drawn):
        gained = other.categories[gain]
        for here, loss in enumerate(lacking.drawn if category in gained else ()):
            lost = lacking.categories[loss]
            if other.spares(gained, lost) and lacking.spares(lost, gained):
                yield here, there


def part_of(content: dict, image_ids: set) -> dict:
    """A file's content with some of its images alone, in its order."""
    return {
        **content,
        "images": [image for image in content["images"] if image["id"] in image_ids],
        "annotations": [
            annotation
            for annotation in content["annotations"]
            if annotation["image_id"] in image_ids
        ],
    }
