"""Check of a data set before any long work is done on it."""

import functools
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mmpanonas.datasets.annotation_file import read_panoptic_json, split_categories
from mmpanonas.datasets.check_files import Sample, sample_problems
from mmpanonas.datasets.parallel import map_pictures
from mmpanonas.errors import InputError
from mmpanonas.panoptic_png import MAX_ID

MAX_LISTED = 10
"""Problems that an error lists; more would hide the first."""


def check_class_folders(folder: str | os.PathLike, num_classes: int) -> None:
    """Check that ``folder`` holds one folder of pictures for each of ``num_classes`` classes.

    Raises:
        InputError: it does not.
    """
    if not os.path.isdir(folder):
        raise InputError(
            f"{folder} does not exist; expected ImageNet's layout there: a folder for each class, "
            f"which holds its pictures"
        )
    found = sum(entry.is_dir() for entry in os.scandir(folder))
    if found != num_classes:
        raise InputError(
            f"{folder} holds {found} folders of classes, but model.head.num_classes is "
            f"{num_classes}; set the key to that, or mend the folder"
        )


def check_panoptic(
    ann_file: str | os.PathLike,
    img_dir: str | os.PathLike,
    seg_dir: str | os.PathLike,
    decode: bool = True,
) -> int:
    """Raise at whatever would stop or falsify a run on a data set.

    Args:
        ann_file, img_dir, seg_dir, decode: as for :func:`find_problems`.

    Returns:
        The number of images.

    Raises:
        InputError: the annotation file or a folder does not exist, or problems were found; the
            message lists up to ten of them.
    """
    number, problems = find_problems(ann_file, img_dir, seg_dir, decode)
    if problems:
        shown = "".join(f"\n  - {problem}" for problem in problems[:MAX_LISTED])
        more = len(problems) - MAX_LISTED
        rest = f"\n  and {more} more" if more > 0 else ""
        raise InputError(
            f"{len(problems)} problems in '{os.fspath(ann_file)}' with pictures in "
            f"'{os.fspath(img_dir)}' and segment PNGs in '{os.fspath(seg_dir)}':{shown}{rest}\n"
            "Mend or replace these files, or take their images out of the annotation file."
        )
    return number


def find_problems(
    ann_file: str | os.PathLike,
    img_dir: str | os.PathLike,
    seg_dir: str | os.PathLike,
    decode: bool = True,
    strict: bool = False,
    workers: int = 0,
) -> tuple[int, list[str]]:
    """Check annotations, pictures and segment PNGs against each other.

    Args:
        ann_file: JSON in COCO panoptic format.
        img_dir: folder of the pictures.
        seg_dir: folder of the segment PNGs.
        decode: whether to decode every picture and PNG; without it only the heads and tails of
            the files are read.
        strict: whether to list, too, what a run passes over but the format does not allow:
            images without segments, several segments of one stuff category, shared files and,
            with ``decode``, segments without pixels and areas and boxes that the PNG belies.
        workers: processes; 0 works in this one.

    Returns:
        The number of images, and what is wrong, a line each. While images and annotations of
        the JSON cannot be told apart by their ids, no file is looked at.

    Raises:
        InputError: the annotation file or a folder does not exist, or the file is not in COCO
            panoptic format.
    """
    content = read_panoptic_json(ann_file)
    if content["annotations"]:
        split_categories(content["categories"], os.fspath(ann_file))
    number = len(content["images"])
    problems = list(_image_problems(content))
    ambiguous = bool(problems)
    problems += _segment_problems(content)
    if ambiguous:
        return number, problems
    if strict:
        problems += _strict_problems(content)
    samples, missing = _find_files(content, Path(img_dir), Path(seg_dir))
    check = functools.partial(sample_problems, decode=decode, strict=strict)
    found = map_pictures(check, samples, workers, "check pictures")
    return number, [*problems, *missing, *(line for lines in found for line in lines)]


def _image_problems(content: dict) -> Iterator[str]:
    """Images and annotations of the JSON that do not belong together one by one."""
    image_ids = Counter(image["id"] for image in content["images"])
    annotated = Counter(annotation["image_id"] for annotation in content["annotations"])
    for image_id, number in image_ids.items():
        if number > 1:
            yield f"image id {image_id} is given to {number} images; ids must be unique"
    for image_id, number in annotated.items():
        if number > 1:
            yield f"image {image_id} has {number} annotations; one with all segments is expected"
        if image_id not in image_ids:
            yield f"an annotation is for image {image_id}, which 'images' lacks"


def _segment_problems(content: dict) -> Iterator[str]:
    """Ids and categories that segments cannot have."""
    categories = {category["id"] for category in content["categories"]}
    for annotation in content["annotations"]:
        where = f"image {annotation['image_id']}"
        ids = Counter(segment["id"] for segment in annotation["segments_info"])
        for segment_id, number in ids.items():
            if number > 1:
                yield f"{where}: segment id {segment_id} occurs {number} times; make it unique"
            if not 0 < segment_id <= MAX_ID:
                yield f"{where}: segment id {segment_id} is not within 1 to {MAX_ID}"
        for segment in annotation["segments_info"]:
            if segment["category_id"] not in categories:
                yield (
                    f"{where}: segment {segment['id']} has category {segment['category_id']}, "
                    f"'categories' has only {sorted(categories)}"
                )


def _strict_problems(content: dict) -> Iterator[str]:
    """What a run passes over in the JSON."""
    annotations = {entry["image_id"]: entry for entry in content["annotations"]}
    if annotations:
        for image in content["images"]:
            if not annotations.get(image["id"], {}).get("segments_info"):
                yield f"image {image['id']} has no segments: all of it is void"
    files = Counter(("picture", image["file_name"]) for image in content["images"])
    files.update(
        ("segment PNG", _png_name(image, annotations))
        for image in content["images"]
        if image["id"] in annotations
    )
    for (what, name), number in files.items():
        if number > 1:
            yield f"{number} images share the {what} '{name}'"
    stuff = {entry["id"] for entry in content["categories"] if not entry.get("isthing", 1)}
    for image_id, annotation in annotations.items():
        kinds = Counter(segment["category_id"] for segment in annotation["segments_info"])
        for category, number in kinds.items():
            if number > 1 and category in stuff:
                yield (
                    f"image {image_id} has {number} segments of stuff category {category}; stuff "
                    "is one segment per image"
                )


def _find_files(content: dict, img_dir: Path, seg_dir: Path) -> tuple[list[Sample], list[str]]:
    """One sample per image with the files that exist, and what is missing."""
    annotations = {entry["image_id"]: entry for entry in content["annotations"]}
    listing, samples, missing = _Listing(), [], []
    for image in content["images"]:
        annotation = annotations.get(image["id"])
        paths = {"picture": img_dir / image["file_name"]}
        if annotation is not None:
            paths["segment PNG"] = seg_dir / _png_name(image, annotations)
        for what in [what for what, path in paths.items() if path not in listing]:
            missing.append(f"{what} '{paths.pop(what)}' of image {image['id']} does not exist")
        samples.append(Sample(image, annotation, paths))
    return samples, missing


def _png_name(image: dict, annotations: dict) -> str:
    """Name of an image's segment PNG: the annotation's, or the picture's with another suffix."""
    named = annotations.get(image["id"], {}).get("file_name")
    return named or f"{os.path.splitext(image['file_name'])[0]}.png"


class _Listing:
    """Which files exist, from one listing per folder: one stat per file is slow on a network."""

    def __init__(self) -> None:
        self._names: dict[Path, set[str]] = {}

    def __contains__(self, path: Path) -> bool:
        if path.parent not in self._names:
            try:
                self._names[path.parent] = set(os.listdir(path.parent))
            except (FileNotFoundError, NotADirectoryError):
                raise InputError(
                    f"folder '{path.parent}' does not exist; give the folders of the pictures and "
                    "of the segment PNGs"
                ) from None
        return path.name in self._names[path.parent]
