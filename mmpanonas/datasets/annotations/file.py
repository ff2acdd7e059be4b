"""Annotation files in COCO panoptic format: reading, with errors that say what to do."""

import contextlib
import gc
import json
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from mmengine import fileio

from mmpanonas.datasets.annotations.schema import check_schema
from mmpanonas.errors import InputError
from mmpanonas.files import irregularity, unique_keys

MAX_CLASSES = 255
"""Labels are bytes, and 255 is the label of void."""
_GZIP = b"\x1f\x8b"


def read_panoptic_json(ann_file: str | os.PathLike, backend_args: dict | None = None) -> dict:
    """Read a COCO panoptic annotation file; ``annotations`` is an empty list if it has none.

    Every value that the format names is of its type and range, see
    :mod:`mmpanonas.datasets.annotations.schema`; other keys are as they were.

    Raises:
        InputError: there is no such file, it is not whole JSON or not in COCO panoptic format.
    """
    return parse_panoptic_json(read_bytes(ann_file, backend_args), os.fspath(ann_file))


def read_bytes(ann_file: str | os.PathLike, backend_args: dict | None = None) -> bytes:
    """The bytes of an annotation file.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    name = os.fspath(ann_file)
    try:
        problem = None if backend_args or "://" in name else irregularity(name)
        if problem:
            raise InputError(f"annotation file '{name}' {problem}; check ann_file and data_root")
        return fileio.get(name, backend_args=backend_args)
    except FileNotFoundError:
        raise InputError(
            f"annotation file '{name}' does not exist; check ann_file and data_root"
        ) from None
    except OSError as error:
        raise InputError(
            f"annotation file '{name}' cannot be read ({error.strerror}); check ann_file and "
            "data_root"
        ) from None


def read_json(data: bytes, name: str) -> object:
    """The content of an annotation file's bytes; ``name`` is the file's, for errors.

    Raises:
        InputError: empty, compressed, or not whole JSON.
    """
    if data.startswith(_GZIP):
        raise InputError(f"annotation file '{name}' is compressed by gzip; unpack it with gunzip")
    if not data:
        raise InputError(f"annotation file '{name}' is empty; copy it again")
    with _without_gc():
        try:
            return json.loads(data, object_pairs_hook=unique_keys)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"annotation file '{name}' is truncated or not JSON ({error}); copy it again"
            ) from None


def parse_panoptic_json(data: bytes, name: str) -> dict:
    """As :func:`read_panoptic_json`, from the file's bytes and its name for errors."""
    return check_panoptic_content(read_json(data, name), name)


def check_panoptic_content(content: object, name: str) -> dict:
    """What a file of that name holds, if it is in COCO panoptic format; else ``InputError``."""
    if not isinstance(content, dict) or not {"images", "categories"} <= content.keys():
        found = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise InputError(
            f"annotation file '{name}' holds {str(found)[:200]}; COCO panoptic format needs "
            "the keys 'images', 'categories' and (unless for inference) 'annotations'"
        )
    with _without_gc():
        check_schema(content, name)
    content.setdefault("annotations", [])
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
    except (OSError, ValueError):  # in another place, or absent
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
    if not all("isthing" in category for category in categories):
        raise InputError(
            f"annotation file '{name}' does not say which of its categories are things; give each "
            "the key 'isthing', 1 or 0"
        )
    things = tuple(category["name"] for category in categories if category["isthing"])
    stuff = tuple(category["name"] for category in categories if not category["isthing"])
    return things, stuff


@contextlib.contextmanager
def _without_gc() -> Iterator[None]:
    """A million small objects at once: the collector would take two thirds of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
