"""Check of a data set before any long work is done on it."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from mmpanonas.datasets.annotation_file import read_panoptic_json, split_categories
from mmpanonas.errors import InputError
from mmpanonas.panoptic_png import MAX_ID, read_panoptic_png

MAX_LISTED = 10
"""Problems that an error lists; more would hide the first."""
BAR_FROM = 500
"""Pictures from which on decoding shows a progress bar."""
TAIL = 4096
"""Bytes read at a file's end; cameras and editors append a little after the end marker."""
END_MARKERS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}


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
    """Check annotations, pictures and segment PNGs against each other.

    Args:
        ann_file: JSON in COCO panoptic format.
        img_dir: folder of the pictures.
        seg_dir: folder of the segment PNGs.
        decode: whether to decode every PNG and look for ids that the JSON lacks; without it
            only the heads and tails of the files are read.

    Returns:
        The number of images.

    Raises:
        InputError: the annotation file or a folder does not exist, or problems were found; the
            message lists up to ten of them.
    """
    content = read_panoptic_json(ann_file)
    split_categories(content["categories"], os.fspath(ann_file))
    problems = list(_annotation_problems(content))
    if not problems:
        # Without unique ids, pictures and PNGs cannot be told apart.
        problems = list(_file_problems(content, Path(img_dir), Path(seg_dir), decode))
    if problems:
        shown = "".join(f"\n  - {problem}" for problem in problems[:MAX_LISTED])
        more = len(problems) - MAX_LISTED
        rest = f"\n  and {more} more" if more > 0 else ""
        raise InputError(
            f"{len(problems)} problems in '{os.fspath(ann_file)}' with pictures in "
            f"'{os.fspath(img_dir)}' and segment PNGs in '{os.fspath(seg_dir)}':{shown}{rest}\n"
            "Mend or replace these files, or take their images out of the annotation file."
        )
    return len(content["images"])


def _annotation_problems(content: dict) -> Iterator[str]:
    """What is wrong in the JSON itself."""
    image_ids = Counter(image["id"] for image in content["images"])
    annotated = Counter(annotation["image_id"] for annotation in content["annotations"])
    categories = {category["id"] for category in content["categories"]}
    for image_id, number in image_ids.items():
        if number > 1:
            yield f"image id {image_id} is given to {number} images; ids must be unique"
    for image_id, number in annotated.items():
        if number > 1:
            yield f"image {image_id} has {number} annotations; one with all segments is expected"
        if image_id not in image_ids:
            yield f"an annotation is for image {image_id}, which 'images' lacks"
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


def _file_problems(content: dict, img_dir: Path, seg_dir: Path, decode: bool) -> Iterator[str]:
    """What is wrong with pictures and PNGs."""
    images = {image["id"]: image for image in content["images"]}
    listing = _Listing()
    for image in images.values():
        yield from _picture_problems(img_dir / image["file_name"], "picture", image, listing)
    annotations = content["annotations"]
    if decode and len(annotations) > BAR_FROM:
        annotations = tqdm(annotations, desc="decode segment PNGs")
    for annotation in annotations:
        image = images[annotation["image_id"]]
        stem = os.path.splitext(image["file_name"])[0]
        path = seg_dir / (annotation.get("file_name") or f"{stem}.png")
        problems = list(_picture_problems(path, "segment PNG", image, listing))
        if decode and not problems:
            problems = list(_id_problems(path, annotation))
        yield from problems


def _picture_problems(path: Path, what: str, image: dict, listing: "_Listing") -> Iterator[str]:
    """Whether a file is there, whole and of the size that the JSON says."""
    if path not in listing:
        yield f"{what} '{path}' of image {image['id']} does not exist"
        return
    try:
        with Image.open(path) as picture:
            kind, size = picture.format, picture.size
    except (UnidentifiedImageError, OSError, SyntaxError):
        yield f"{what} '{path}' ({path.stat().st_size} bytes) is not a picture, or its head is cut"
        return
    if what == "segment PNG" and kind != "PNG":
        yield f"{what} '{path}' is a {kind}, which changes ids; a PNG is expected"
        return
    marker = END_MARKERS.get(kind)
    if marker and marker not in _tail(path):
        yield f"{what} '{path}' ({path.stat().st_size} bytes) is truncated: no {kind} end marker"
    if size != (image["width"], image["height"]):
        yield (
            f"{what} '{path}' is {size[0]} x {size[1]}, the JSON says {image['width']} x "
            f"{image['height']} (width x height)"
        )


def _id_problems(path: Path, annotation: dict) -> Iterator[str]:
    """Whether the ids of a PNG are those of the JSON; a segment without pixels is fine."""
    try:
        ids = read_panoptic_png(path)
    except InputError as error:
        yield str(error)
        return
    listed = {0, *(segment["id"] for segment in annotation["segments_info"])}
    unknown = sorted(set(np.unique(ids).tolist()) - listed)
    if unknown:
        yield (
            f"segment PNG '{path}' holds the ids {unknown[:5]} ({len(unknown)} in all) that the "
            "JSON does not list; ids are R + 256 G + 256^2 B"
        )


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


def _tail(path: Path) -> bytes:
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(file.tell() - TAIL, 0))
        return file.read()
