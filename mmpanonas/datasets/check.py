"""Check of a data set before any long work is done on it."""

import contextlib
import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmcv.transforms import LoadImageFromFile

from mmpanonas.datasets.annotations.file import (
    parse_panoptic_json,
    read_bytes,
    split_categories,
)
from mmpanonas.datasets.annotations.problems import (
    image_problems,
    json_remarks,
    png_name,
    segment_problems,
)
from mmpanonas.datasets.check_files import Found, Sample, check_sample
from mmpanonas.datasets.files import Folders
from mmpanonas.datasets.parallel import map_pictures
from mmpanonas.datasets.pictures import quiet_decoder
from mmpanonas.errors import InputError
from mmpanonas.files import irregularity

MAX_LISTED = 10
"""Problems that an error lists; more would hide the first."""
ENOUGH = 200
"""Problems after which a run is refused without a look at the rest."""


class Report(NamedTuple):
    """What a check found, a line each; pictures in the order of the file."""

    images: int
    segments: int
    problems: list[str]
    """What stops or falsifies a run."""
    remarks: list[str]
    """What a run passes over but the format does not allow."""
    files: list[str]
    """Paths of all pictures and segment PNGs that exist."""
    longest: tuple[str, int, int]
    """Name, width and height of the picture whose sides differ most."""


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
            f"{num_classes}; set the key to that, or fix the folder"
        )


def check_panoptic(
    ann_file: str | os.PathLike,
    img_dir: str | os.PathLike,
    seg_dir: str | os.PathLike,
    decode: bool = True,
    loader: LoadImageFromFile | None = None,
    data: bytes | None = None,
) -> Report:
    """Raise at whatever would stop or falsify a run on a data set.

    Args: as for :func:`find_problems`.

    Returns:
        A report without problems.

    Raises:
        InputError: the annotation file or a folder does not exist, or problems were found; the
            message lists up to ten of them.
    """
    report = find_problems(ann_file, img_dir, seg_dir, decode, loader, data=data, enough=ENOUGH)
    if report.problems:
        number = len(report.problems)
        raise InputError(
            f"{number} problems{' or more' if number >= ENOUGH else ''} in "
            f"'{os.fspath(ann_file)}' with pictures in '{os.fspath(img_dir)}' and segment PNGs in "
            f"'{os.fspath(seg_dir)}':{_listed(report.problems)}\n"
            "Fix or replace these files, or take their images out of the annotation file."
        )
    return report


def find_problems(
    ann_file: str | os.PathLike,
    img_dir: str | os.PathLike,
    seg_dir: str | os.PathLike,
    decode: bool = True,
    loader: LoadImageFromFile | None = None,
    workers: int | None = None,
    data: bytes | None = None,
    enough: int | None = None,
) -> Report:
    """Check annotations, pictures and segment PNGs against each other.

    Args:
        ann_file: JSON in COCO panoptic format.
        img_dir: folder of the pictures.
        seg_dir: folder of the segment PNGs.
        decode: whether to decode every picture and PNG, and to compare areas and boxes with
            the pixels; without it, sizes are those that the files' heads say.
        loader: the transform that decodes pictures in the pipeline; MMCV's by default.
        workers: threads, see :func:`map_pictures`.
        data: the bytes of ``ann_file``, if they were read already.
        enough: problems from which on the rest is not looked at.

    Returns:
        While images and annotations of the JSON cannot be told apart by their ids, no file is
        looked at.

    Raises:
        InputError: the annotation file or a folder does not exist, or the file is not in COCO
            panoptic format.
    """
    name = os.fspath(ann_file)
    content = parse_panoptic_json(read_bytes(ann_file) if data is None else data, name)
    if content["annotations"]:
        split_categories(content["categories"], name)
    problems = list(image_problems(content))
    ambiguous = bool(problems)
    found = Found([*problems, *segment_problems(content)], [])
    samples: Sequence[Sample] = ()
    if not ambiguous:
        found.remarks.extend(json_remarks(content))
        samples, missing = _find_files(content, Path(img_dir), Path(seg_dir))
        found.problems.extend(missing)
    if not (enough and found.problems):
        _check_files(samples, decode, loader or LoadImageFromFile(), workers, found, enough)
    longest = max(content["images"], key=lambda i: max(i["width"], i["height"]) / _short(i))
    return Report(
        len(content["images"]),
        sum(len(annotation["segments_info"]) for annotation in content["annotations"]),
        *found,
        [path for sample in samples for path in (sample.picture, sample.png) if path],
        (longest["file_name"], longest["width"], longest["height"]),
    )


def _check_files(
    samples: Sequence[Sample],
    decode: bool,
    loader: LoadImageFromFile,
    workers: int | None,
    found: Found,
    enough: int | None,
) -> None:
    """Add to ``found`` what is wrong with the files of the samples."""
    check = functools.partial(check_sample, decode=decode, loader=loader)
    results = map_pictures(check, samples, workers, "check pictures")
    with quiet_decoder(), contextlib.closing(results):
        for problems, remarks in results:
            found.problems.extend(problems)
            found.remarks.extend(remarks)
            if enough and len(found.problems) >= enough:
                break


def _find_files(content: dict, img_dir: Path, seg_dir: Path) -> tuple[list[Sample], list[str]]:
    """One sample per image with the files that can be opened, and what is wrong with others."""
    annotations = {entry["image_id"]: entry for entry in content["annotations"]}
    things = frozenset(entry["id"] for entry in content["categories"] if entry.get("isthing"))
    folders, samples, wrong = Folders(), [], []
    for image in content["images"]:
        annotation = annotations.get(image["id"])
        paths: dict[str, str | None] = {"picture": os.path.join(img_dir, image["file_name"])}
        if annotation is not None:
            paths["segment PNG"] = os.path.join(seg_dir, png_name(image, annotation))
        for what, path in paths.items():
            try:
                problem = irregularity(path)
            except FileNotFoundError:
                problem = folders.missing(Path(path))
            if problem:
                wrong.append(f"{what} '{path}' of image {image['id']} {problem}")
                paths[what] = None
        samples.append(
            Sample(image, annotation, paths["picture"], paths.get("segment PNG"), things)
        )
    return samples, wrong


def _short(image: dict) -> int:
    return min(image["width"], image["height"])


def _listed(lines: Sequence[str]) -> str:
    more = len(lines) - MAX_LISTED
    shown = "".join(f"\n  - {line}" for line in lines[:MAX_LISTED])
    return f"{shown}\n  and {more} more" if more > 0 else shown


def print_check(
    ann_file: str | os.PathLike,
    img_dir: str | os.PathLike,
    seg_dir: str | os.PathLike,
    decode: bool = True,
    workers: int | None = None,
) -> bool:
    """Print what :func:`find_problems` finds, a line each; True if all is in order."""
    report = find_problems(ann_file, img_dir, seg_dir, decode=decode, workers=workers)
    for line in report.problems:
        print(line)
    for line in report.remarks:
        print(f"remark: {line}")
    rest = f", {len(report.remarks)} remarks" if report.remarks else ""
    if report.problems:
        print(f"{ann_file}: {len(report.problems)} problems, {report.images} images{rest}")
    else:
        print(f"{ann_file}: {report.images} images are in order{rest}")
    return not report.problems
