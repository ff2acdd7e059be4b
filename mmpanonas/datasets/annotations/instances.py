"""Annotation files in COCO's instance format: checked, and made of panoptic ones."""

import json
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from mmpanonas.datasets.annotations.file import read_bytes, read_json, read_panoptic_json
from mmpanonas.datasets.files import check_file_place
from mmpanonas.datasets.parallel import map_pictures
from mmpanonas.datasets.pictures import picture_size
from mmpanonas.errors import InputError
from mmpanonas.files import write_atomically
from mmpanonas.panoptic.png import read_panoptic_png
from mmpanonas.values import number, several

#: What MMDetection and pycocotools read of each entry, beyond what they have defaults for.
_KEYS = {
    "images": {"id", "file_name", "width", "height"},
    "categories": {"id", "name"},
    "annotations": {"image_id", "category_id", "bbox", "area", "iscrowd"},
}
_BOX = several(number(), 4)


def category_names(ann_file: str | os.PathLike) -> tuple[str, ...]:
    """Names of a file's categories in its order; the file is read once as long as it is the same.

    Raises:
        InputError: there is no such file, or it is not in COCO's instance format.
    """
    path = os.fspath(ann_file)
    stamp = (os.stat(path).st_mtime_ns, os.stat(path).st_size) if os.path.exists(path) else ()
    return _names(path, *stamp)


@lru_cache(maxsize=16)
def _names(path: str, *stamp: int) -> tuple[str, ...]:
    return tuple(each["name"] for each in read_instances(path)["categories"])


def read_instances(ann_file: str | os.PathLike, data: bytes | None = None) -> dict:
    """A file of instances, whose entries have what MMDetection reads of them.

    Raises:
        InputError: there is no such file, or it is not in COCO's instance format.
    """
    name = os.fspath(ann_file)
    content = read_json(read_bytes(ann_file) if data is None else data, name)
    for part, keys in _KEYS.items():
        entries = content.get(part) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise _error(name, f"has no list of {part}")
        for place, entry in enumerate(entries):
            lacking = keys - entry.keys() if isinstance(entry, dict) else keys
            if lacking:
                raise _error(name, f"{part}[{place}] lacks {', '.join(sorted(lacking))}")
    return content


def check_instances(ann_file: str, folder: str, data: bytes) -> dict:
    """Hold a file of instances against itself and its pictures, whose heads are read.

    Args:
        folder: of the pictures.
        data: the file's bytes.

    Returns:
        how many ``images`` and ``annotations``, the ``longest`` picture (name, width, height), and
        the ``files`` that were looked at.

    Raises:
        InputError: what is wrong.
    """
    content = read_instances(ann_file, data)
    images, categories = content["images"], {each["id"] for each in content["categories"]}
    for part in ("images", "categories"):
        _check_unique(ann_file, part, [each["id"] for each in content[part]])
    known = {each["id"] for each in images}
    for place, entry in enumerate(content["annotations"]):
        for key, ids in (("image_id", known), ("category_id", categories)):
            if entry[key] not in ids:
                raise _error(
                    ann_file, f"annotations[{place}].{key} is {entry[key]!r}, which is none"
                )
        if not _BOX.fits(entry["bbox"]):
            raise _error(
                ann_file,
                f"annotations[{place}].bbox is {entry['bbox']!r}, expected x, y, width, height",
            )
    if not images:
        raise _error(ann_file, "lists no pictures")
    files = [os.path.join(folder, each["file_name"]) for each in images]
    for image, size in zip(images, map_pictures(picture_size, files, None, "check"), strict=True):
        if size != (image["width"], image["height"]):
            raise _error(
                ann_file,
                f"says {image['width']} x {image['height']} of {image['file_name']}, which is "
                f"{size[0]} x {size[1]} (width x height)",
            )
    longest = max(images, key=_stretch)
    return dict(
        images=len(images),
        annotations=len(content["annotations"]),
        longest=[longest["file_name"], longest["width"], longest["height"]],
        files=files,
    )


def _stretch(image: Mapping) -> float:
    sides = image["width"], image["height"]
    return max(sides) / max(1, min(sides))


def _check_unique(name: str, part: str, ids: Sequence[int]) -> None:
    if len(set(ids)) < len(ids):
        twice = next(each for each in ids if ids.count(each) > 1)
        raise _error(name, f"has two {part} of id {twice}")


def _error(name: str, what: str) -> InputError:
    return InputError(
        f"annotation file '{name}' {what}; a file in COCO's instance format is expected "
        f"(docs/detectors.md)"
    )


def write_instances(
    ann_file: str | os.PathLike, segments: str | os.PathLike, out: str | os.PathLike | None = None
) -> Path:
    """Write the things of a COCO panoptic file as instances: boxes, areas and masks (RLE).

    A thing's mask is what the panoptic map shows of it. Image and category ids stay.

    Args:
        ann_file: the panoptic file.
        segments: folder of its PNGs.
        out: where; None: beside it, ``instances`` for ``panoptic`` in its name.

    Returns:
        the path written.

    Raises:
        InputError: as ``read_panoptic_json``, a PNG cannot be read, or ``out`` has no place.
        OSError: the file cannot be written.
    """
    source = Path(ann_file)
    name = source.name.replace("panoptic", "instances")
    name = name if name != source.name else f"instances_{name}"
    out = Path(out or source.with_name(name))
    check_file_place(out)
    content = read_panoptic_json(source)
    things = {each["id"] for each in content["categories"] if each.get("isthing")}
    if not things:
        raise InputError(f"annotation file '{source}' has no things to make instances of")
    read = partial(_instances, Path(segments), things)
    found = [
        one for each in map_pictures(read, content["annotations"], None, "masks") for one in each
    ]
    kept = [each for each in content["categories"] if each["id"] in things]
    annotations = [dict(id=number, **each) for number, each in enumerate(found, 1)]
    whole = dict(images=content["images"], annotations=annotations, categories=kept)
    write_atomically(out, json.dumps(whole))
    return out


def _instances(folder: Path, things: set[int], annotation: Mapping) -> list[dict]:
    """The things of a picture that have a pixel."""
    ids, found = read_panoptic_png(folder / annotation["file_name"]), []
    for segment in annotation["segments_info"]:
        if segment["category_id"] not in things:
            continue
        encoded = coco_mask.encode(np.asfortranarray(ids == segment["id"], dtype=np.uint8))
        area = int(coco_mask.area(encoded))
        if area:
            encoded["counts"] = encoded["counts"].decode()
            found.append(
                dict(
                    image_id=annotation["image_id"],
                    category_id=segment["category_id"],
                    bbox=coco_mask.toBbox(encoded).tolist(),
                    area=area,
                    iscrowd=int(segment.get("iscrowd", 0)),
                    segmentation=encoded,
                )
            )
    return found
