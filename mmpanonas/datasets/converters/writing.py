"""Scenes written as a split in COCO panoptic format, the folders as the custom configs read them.

<out>/annotations/panoptic_<split>.json
<out>/annotations/panoptic_<split>/<stem>.png    segment PNGs
<out>/images/<split>                             a link to the folder of the pictures
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from mmpanonas.datasets.files import check_file_place
from mmpanonas.datasets.parallel import map_pictures
from mmpanonas.errors import InputError
from mmpanonas.files import write_atomically
from mmpanonas.panoptic.png import write_panoptic_png
from mmpanonas.panoptic.segments import describe_segments

Item = TypeVar("Item")


@dataclass(frozen=True)
class Scene:
    """A picture and its segments.

    Attributes:
        file_name: of the picture, below its folder.
        ids: (H, W) integers, 0 is void.
        categories: category id by segment id.
        crowds: ids of segments that stand for several things.
    """

    file_name: str
    ids: np.ndarray
    categories: Mapping[int, int]
    crowds: frozenset[int] = frozenset()


def category_list(things: Sequence[str], stuff: Sequence[str]) -> list[dict]:
    """Categories of COCO panoptic format, ids from 1, things first.

    Raises:
        InputError: a name stands twice, or there is none.
    """
    names = [*things, *stuff]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        found = f"{', '.join(twice)} twice" if twice else "none"
        raise InputError(f"expected names of categories, each once among things and stuff: {found}")
    return [
        {"id": place, "name": name, "isthing": int(place <= len(things))}
        for place, name in enumerate(names, 1)
    ]


def write_split(
    out: Path,
    split: str,
    pictures: Path,
    items: Sequence[Item],
    scene_of: Callable[[Item], Scene],
    categories: list[dict],
    workers: int | None = 0,
) -> Path:
    """Write a split of the data set in ``out``; its JSON last, in one step, where it is complete.

    Args:
        pictures: their folder, which is linked to.
        items: one per picture; ``scene_of``, safe in threads, reads one.

    Returns:
        the path of the JSON.

    Raises:
        InputError: of ``scene_of``; two pictures have one stem, or something is in the way.
        OSError: the results cannot be written.
    """
    ann_file = out / f"annotations/panoptic_{split}.json"
    seg_dir = ann_file.with_suffix("")
    seg_dir.mkdir(parents=True, exist_ok=True)
    check_file_place(ann_file)
    ann_file.unlink(missing_ok=True)
    _link(out / "images" / split, pictures)

    def convert(item: Item) -> tuple[str, tuple[int, ...], list[dict]]:
        scene = scene_of(item)
        name = Path(scene.file_name).with_suffix(".png").name
        write_panoptic_png(seg_dir / name, scene.ids)
        segments = describe_segments(scene.ids, scene.categories.__getitem__)
        for segment in segments:
            segment["iscrowd"] = int(segment["id"] in scene.crowds)
        return scene.file_name, scene.ids.shape, segments

    images, annotations, stems = [], [], {}
    for number, found in enumerate(map_pictures(convert, items, workers, f"convert {split}"), 1):
        file_name, (height, width), segments = found
        png = Path(file_name).with_suffix(".png").name
        if png in stems:
            raise InputError(
                f"'{file_name}' and '{stems[png]}' would both have the segments {png}: give "
                f"pictures names of their own"
            )
        stems[png] = file_name
        size = dict(height=height, width=width)
        images.append(dict(id=number, file_name=file_name, **size))
        annotations.append(dict(image_id=number, file_name=png, segments_info=segments))
    content = dict(images=images, annotations=annotations, categories=categories)
    write_atomically(ann_file, json.dumps(content))
    return ann_file


def _link(link: Path, folder: Path) -> None:
    """A link to the pictures; one that is there already is kept if it leads there."""
    link.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(link):
        link.symlink_to(folder.resolve(), target_is_directory=True)
    elif not link.exists() or not link.samefile(folder):
        raise InputError(f"'{link}' is there and is not '{folder}': move it away")
