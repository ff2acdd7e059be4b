"""COCO instances as scenes; stuff from their own categories, from semantic maps, or from both.

A pixel of a thing is that thing's, the smaller one's where several lie there, and a crowd's where
no single thing does; any other pixel of an object of stuff is that stuff, and of the rest each
whose value in the semantic map has a name is stuff of that name; what is left is void.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from mmpanonas.datasets.annotations.instances import read_instances
from mmpanonas.datasets.converters.maps import read_labels, read_map
from mmpanonas.datasets.converters.writing import Scene, Source, category_list
from mmpanonas.errors import InputError, in_a_line


@dataclass(frozen=True)
class _Stuff:
    """Where stuff is: category ids of the instance file, and of values of the semantic maps."""

    of_objects: Mapping[int, int]
    of_values: Mapping[int, int]
    semantic: Path | None


def read_coco_and_stuff(
    ann_file: Path,
    pictures: Path,
    stuff: Sequence[str] = (),
    semantic: Path | None = None,
    labels: Path | None = None,
) -> Source:
    """The pictures of an instance file.

    Args:
        ann_file: COCO instances with masks (polygons or runs).
        pictures: folder that its file names begin at.
        stuff: names of its categories that are stuff, one segment in a picture.
        semantic: folder of PNGs of one channel, named as the pictures are.
        labels: JSON, the stuff's names by value of those, ``{"1": "grass"}``.

    Raises:
        InputError: a file is missing, of another size or form than expected.
    """
    values = read_labels(labels) if labels else {}
    content = read_instances(ann_file)
    if not content["images"]:
        raise InputError(f"annotation file '{ann_file}' lists no pictures")
    ordered = sorted(content["categories"], key=lambda each: each["id"])
    names = [each["name"] for each in ordered]
    if unknown := [name for name in stuff if name not in names]:
        raise InputError(
            f"'{ann_file}' has no category {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(names)}"
        )
    drawn = [name for name in values.values() if name not in stuff]
    categories = category_list([name for name in names if name not in stuff], [*stuff, *drawn])
    place = {each["name"]: each["id"] for each in categories}
    thing_of = {each["id"]: place[each["name"]] for each in ordered if each["name"] not in stuff}
    where = _Stuff(
        {each["id"]: place[each["name"]] for each in ordered if each["name"] in stuff},
        {value: place[name] for value, name in values.items()},
        semantic,
    )
    objects = defaultdict(list)
    for number, each in enumerate(content["annotations"]):
        known = each["category_id"] in thing_of or each["category_id"] in where.of_objects
        if not known or "segmentation" not in each:
            raise InputError(
                f"'{ann_file}': annotations[{number}] has no mask (segmentation) or a category_id "
                f"that is not among the categories"
            )
        objects[each["image_id"]].append(each)
    return Source(
        pictures, content["images"], partial(_scene, objects, thing_of, where), categories
    )


def _scene(objects: Mapping, thing_of: Mapping, stuff: _Stuff, image: dict) -> Scene:
    size = image["height"], image["width"]
    ids, categories, crowds = np.zeros(size, np.int32), {}, set()
    if stuff.semantic:
        labels = _labels(stuff.semantic / Path(image["file_name"]).with_suffix(".png").name, size)
        for value, category in stuff.of_values.items():
            ids[labels == value] = category
            categories[category] = category
    found = objects[image["id"]]
    for each in found:
        if category := stuff.of_objects.get(each["category_id"]):
            ids[_mask(each, size)] = category
            categories[category] = category
    things = [each for each in found if each["category_id"] in thing_of]
    things.sort(key=lambda each: (not each["iscrowd"], -each["area"]))
    first = max((*stuff.of_objects.values(), *stuff.of_values.values()), default=0) + 1
    for segment, each in enumerate(things, first):
        ids[_mask(each, size)] = segment
        categories[segment] = thing_of[each["category_id"]]
        crowds |= {segment} if each["iscrowd"] else set()
    return Scene(image["file_name"], ids, categories, frozenset(crowds), image["id"])


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
