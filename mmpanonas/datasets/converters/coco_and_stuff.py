"""COCO instances and semantic maps to COCO panoptic format.

A pixel of an instance is that instance's, the smaller one's where several lie there, and a crowd's
where no single thing does; any other pixel whose value in the semantic map has a name is stuff of
that name; the rest is void.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from mmpanonas.datasets.annotations.file import read_bytes, read_json
from mmpanonas.datasets.annotations.instances import read_instances
from mmpanonas.datasets.converters.maps import read_map
from mmpanonas.datasets.converters.writing import Scene, category_list, write_split
from mmpanonas.errors import InputError, in_a_line


def convert_coco_and_stuff(
    ann_file: Path,
    pictures: Path,
    semantic: Path,
    labels: Path,
    out: Path,
    split: str,
    workers: int | None = 0,
) -> Path:
    """Write the pictures of an instance file as a split of ``out``; the annotation file.

    Args:
        ann_file: COCO instances with masks (polygons or runs).
        pictures: folder that its file names begin at.
        semantic: folder of PNGs of one channel, named as the pictures are.
        labels: JSON, the stuff's names by value of those, ``{"1": "grass"}``.

    Raises:
        InputError: a file is missing, of another size or form than expected.
        OSError: the results cannot be written.
    """
    stuff, content = read_labels(labels), read_instances(ann_file)
    names = [each["name"] for each in sorted(content["categories"], key=lambda each: each["id"])]
    categories = category_list(names, list(stuff.values()))
    place = {each["name"]: each["id"] for each in categories}
    thing_of = {each["id"]: place[each["name"]] for each in content["categories"]}
    stuff_of = {value: place[name] for value, name in stuff.items()}
    objects = defaultdict(list)
    for number, each in enumerate(content["annotations"]):
        if each["category_id"] not in thing_of or "segmentation" not in each:
            raise InputError(
                f"'{ann_file}': annotations[{number}] has no mask (segmentation) or a category_id "
                f"that is not among the categories"
            )
        objects[each["image_id"]].append(each)
    scene_of = partial(_scene, objects, thing_of, stuff_of, semantic)
    return write_split(out, split, pictures, content["images"], scene_of, categories, workers)


def read_labels(path: Path) -> dict[int, str]:
    """Names by value, 0 to 255. Raises ``InputError`` for any other file."""
    content = read_json(read_bytes(path), str(path))
    try:
        found = {int(value): name for value, name in content.items()}
        if all(0 <= value <= 255 and isinstance(name, str) for value, name in found.items()):
            return found
    except (AttributeError, ValueError):
        pass
    raise InputError(
        f"'{path}': expected an object of names by value from 0 to 255, "
        f'{{"1": "grass"}}, got {json.dumps(content)[:80]}'
    )


def _scene(
    objects: Mapping, thing_of: Mapping, stuff_of: Mapping, semantic: Path, image: dict
) -> Scene:
    size = image["height"], image["width"]
    file = semantic / Path(image["file_name"]).with_suffix(".png").name
    labels = _labels(file, size)
    ids = np.zeros(size, np.int32)
    categories = {}
    for value, category in stuff_of.items():
        ids[labels == value] = value + 1
        categories[value + 1] = category
    order = sorted(objects[image["id"]], key=lambda each: (not each["iscrowd"], -each["area"]))
    crowds = set()
    for segment, each in enumerate(order, 257):
        ids[_mask(each, size)] = segment
        categories[segment] = thing_of[each["category_id"]]
        crowds |= {segment} if each["iscrowd"] else set()
    return Scene(image["file_name"], ids, categories, frozenset(crowds))


def _labels(path: Path, size: tuple[int, int]) -> np.ndarray:
    labels = read_map(path, ("L", "P"), "a semantic map has its picture's name")
    if labels.shape != size:
        raise InputError(
            f"'{path}' has the shape {labels.shape}; {size}, height and width of its picture and "
            f"one channel, was expected"
        )
    return labels


def _mask(annotation: dict, size: tuple[int, int]) -> np.ndarray:
    found = annotation["segmentation"]
    try:
        if isinstance(found, list):
            runs = coco_mask.merge(coco_mask.frPyObjects(found, *size))
        elif isinstance(found["counts"], list):
            runs = coco_mask.frPyObjects(found, *size)
        else:
            runs = found
        mask = coco_mask.decode(runs).astype(bool)
    except Exception as error:  # pycocotools raises what it likes
        raise InputError(
            f"the mask of annotation {annotation.get('id')} cannot be read: {in_a_line(error)}"
        ) from None
    if mask.shape != size:
        raise InputError(
            f"the mask of annotation {annotation.get('id')} is {mask.shape}, its picture {size}"
        )
    return mask
