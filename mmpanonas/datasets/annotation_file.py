"""Annotation files in COCO panoptic format: reading, with errors that say what to do."""

import json
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from mmengine import fileio

from mmpanonas.errors import InputError

MAX_CLASSES = 255
"""Labels are bytes, and 255 is the label of void."""

IMAGE_KEYS = frozenset({"id", "file_name", "height", "width"})
SEGMENT_KEYS = frozenset({"id", "category_id", "area", "bbox"})
CATEGORY_KEYS = frozenset({"id", "name", "isthing"})


def read_panoptic_json(ann_file: str | os.PathLike, backend_args: dict | None = None) -> dict:
    """Read a COCO panoptic annotation file; ``annotations`` is an empty list if it has none.

    Then, as in COCO's files for testing, categories may lack ``isthing``.

    Raises:
        InputError: there is no such file, it is not whole JSON or not in COCO panoptic format.
    """
    name = os.fspath(ann_file)
    try:
        content = json.loads(fileio.get(name, backend_args=backend_args))
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(
            f"annotation file '{name}' does not exist; check ann_file and data_root"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"annotation file '{name}' is truncated or not JSON ({error}); copy it again"
        ) from None
    if not isinstance(content, dict) or not {"images", "categories"} <= content.keys():
        found = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise InputError(
            f"annotation file '{name}' holds {found}; COCO panoptic format needs the keys "
            "'images', 'categories' and (unless for inference) 'annotations'"
        )
    content.setdefault("annotations", [])
    _require_keys(name, "an image", content["images"], IMAGE_KEYS)
    needed = CATEGORY_KEYS if content["annotations"] else CATEGORY_KEYS - {"isthing"}
    _require_keys(name, "a category", content["categories"], needed)
    _require_keys(name, "an annotation", content["annotations"], {"image_id", "segments_info"})
    for annotation in content["annotations"]:
        where = f"a segment of image {annotation['image_id']}"
        _require_keys(name, where, annotation["segments_info"], SEGMENT_KEYS)
    return content


class Head(NamedTuple):
    """What an annotation file says of its classes."""

    categories: list[dict]
    annotated: bool
    """Whether it has annotations."""


def read_head(ann_file: str | os.PathLike, backend_args: dict | None = None) -> Head:
    """The head of an annotation file, which is read once as long as it is the same.

    Raises:
        InputError: as :func:`read_panoptic_json`.
    """
    try:
        stat = os.stat(ann_file)
    except OSError:  # in another place, or absent
        content = read_panoptic_json(ann_file, backend_args)
        return Head(content["categories"], bool(content["annotations"]))
    return _read_head(os.fspath(ann_file), stat.st_ino, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _read_head(ann_file: str, *stamp: int) -> Head:
    content = read_panoptic_json(ann_file)
    return Head(content["categories"], bool(content["annotations"]))


def read_categories(ann_file: str | os.PathLike) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read the names of (things, stuff) from a COCO panoptic annotation file, in its order.

    Raises:
        InputError: there is no such file, or it is not in COCO panoptic format, has no categories,
            more than 255, or two of one name or id.
    """
    return split_categories(read_head(ann_file).categories, os.fspath(ann_file))


def split_categories(
    categories: Sequence[dict], name: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of (things, stuff) of COCO categories; ``name`` is the file's, for errors."""
    if not 1 <= len(categories) <= MAX_CLASSES:
        raise InputError(
            f"annotation file '{name}' has {len(categories)} categories; 1 to {MAX_CLASSES} were "
            "expected, since a label is a byte and 255 means void: list or merge the categories"
        )
    for key in ("name", "id"):
        values = [category[key] for category in categories]
        repeated = sorted({str(value) for value in values if values.count(value) > 1})
        if repeated:
            raise InputError(
                f"annotation file '{name}' has several categories of one {key}: "
                f"{', '.join(repeated)}; rename all but one"
            )
    things = tuple(category["name"] for category in categories if category["isthing"])
    stuff = tuple(category["name"] for category in categories if not category["isthing"])
    return things, stuff


def _require_keys(name: str, what: str, entries: Sequence[dict], keys: set | frozenset) -> None:
    for entry in entries:
        if not keys <= entry.keys():
            raise InputError(
                f"annotation file '{name}': {what} lacks {sorted(keys - entry.keys())}, it has "
                f"{sorted(entry)}; COCO panoptic format needs {sorted(keys)}"
            )
