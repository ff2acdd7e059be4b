"""Scenes written as a split in COCO panoptic format, the folders as the custom configs read them.

<out>/annotations/panoptic_<split>.json
<out>/annotations/panoptic_<split>/<stem>.png    segment PNGs
<out>/images/<split>                             a link to the folder of the pictures

A reader of another form is a function that returns a :class:`Source`; all else is done here.
"""

import json
import os
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Generic, TypeVar

import numpy as np

from mmpanonas.datasets.check import print_check
from mmpanonas.datasets.files import check_file_place
from mmpanonas.datasets.parallel import map_pictures
from mmpanonas.datasets.pictures import picture_size
from mmpanonas.errors import InputError, keeping
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
        image_id: None: pictures are numbered from 1.
        png: of the segments, below their folder; None: called as the picture is.
    """

    file_name: str
    ids: np.ndarray
    categories: Mapping[int, int]
    crowds: frozenset[int] = frozenset()
    image_id: int | str | None = None
    png: str | None = None


@dataclass(frozen=True)
class Source(Generic[Item]):
    """What a reader found.

    Attributes:
        pictures: their folder.
        items: one per picture, in order.
        scene_of: reads one; safe in threads, raises ``InputError`` for what cannot be.
        categories: of COCO panoptic format.
        segments: folder that holds the scenes' PNGs already; None: they are written.
        notes: what the reader has to say of the whole, such as what it left out.
    """

    pictures: Path
    items: Sequence[Item]
    scene_of: Callable[[Item], Scene]
    categories: list[dict]
    segments: Path | None = None
    notes: Sequence[str] = ()


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


def convert(name: str, read: Callable[[], Source], args: Namespace) -> None:
    """What a converter's tool does: read, write, say where and what, check.

    Args:
        name: of the tool.
        args: of :func:`mmpanonas.command_line.add_split`.

    Raises:
        SystemExit: with 1 where the check finds what a run would refuse.
    """
    out = Path(args.out)
    with keeping(lambda: f"what is written to '{out}' is not whole: start again"):
        source = read()
        path = write_split(source, out, args.split, args.workers)
    names = {
        thing: [c["name"] for c in source.categories if c["isthing"] == thing] for thing in (1, 0)
    }
    print(f"{name}: {path}; things: {_shortened(names[1])}; stuff: {_shortened(names[0])}")
    for note in source.notes:
        print(f"  {note}")
    pictures, segments = out / "images" / args.split, path.with_suffix("")
    if not print_check(path, pictures, segments, workers=args.workers):
        sys.exit(1)


def _shortened(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}" if names else "none"


def write_split(source: Source, out: Path, split: str, workers: int | None = 0) -> Path:
    """Write a split of the data set in ``out``; its JSON last, in one step, where it is complete.

    Every scene is read before anything is written, and once more to write it.

    Returns:
        the path of the JSON.

    Raises:
        InputError: of ``scene_of``; a picture is missing or of another size than its segments, two
            have one name, or something is in the way. Nothing is written then.
        OSError: the results cannot be written.
    """
    ann_file, link = out / f"annotations/panoptic_{split}.json", out / "images" / split
    seg_dir = ann_file.with_suffix("")
    links = [(link, source.pictures), *([(seg_dir, source.segments)] if source.segments else [])]
    for place, folder in links:
        check_link(place, folder)
    if seg_dir.is_symlink() and not source.segments:
        raise InputError(f"'{seg_dir}' is a link, in which nothing is overwritten: move it away")
    entries = list(map_pictures(partial(_entry, source), source.items, workers, f"read {split}"))
    images, annotations = _numbered(entries)

    ann_file.parent.mkdir(parents=True, exist_ok=True)
    check_file_place(ann_file)
    ann_file.unlink(missing_ok=True)
    for place, folder in links:
        link_to(place, folder)
    if not source.segments:
        write = partial(_write_png, source, seg_dir)
        for _ in map_pictures(write, source.items, workers, f"write {split}"):
            pass
    content = dict(images=images, annotations=annotations, categories=source.categories)
    write_atomically(ann_file, json.dumps(content))
    return ann_file


def _entry(source: Source, item: Item) -> tuple[dict, dict]:
    """Of a picture in ``images`` and ``annotations``; the id is None where it is numbered."""
    scene = source.scene_of(item)
    file = source.pictures / scene.file_name
    if PurePath(scene.file_name).is_absolute() or ".." in PurePath(scene.file_name).parts:
        raise InputError(f"'{file}' does not lie below '{source.pictures}', as pictures must")
    (width, height), (rows, columns) = picture_size(file), scene.ids.shape
    if (columns, rows) != (width, height):
        raise InputError(
            f"the segments of '{file}' are {columns} x {rows}, the picture is {width} x {height} "
            f"(width x height); equal sizes were expected"
        )
    try:
        segments = describe_segments(scene.ids, scene.categories.__getitem__)
    except KeyError as error:
        raise InputError(f"'{file}': segment {error.args[0]} is of no category") from None
    for segment in segments:
        segment["iscrowd"] = int(segment["id"] in scene.crowds)
    image = dict(id=scene.image_id, file_name=scene.file_name, height=rows, width=columns)
    return image, dict(image_id=scene.image_id, file_name=_png(scene), segments_info=segments)


def _png(scene: Scene) -> str:
    return scene.png or PurePath(scene.file_name).with_suffix(".png").as_posix()


def _numbered(entries: Sequence[tuple[dict, dict]]) -> tuple[list[dict], list[dict]]:
    """Images and annotations, each with an id, no two with one PNG."""
    pictures: dict[str, str] = {}
    for number, (image, annotation) in enumerate(entries, 1):
        png, name = annotation["file_name"], image["file_name"]
        if png in pictures:
            raise InputError(
                f"'{name}' and '{pictures[png]}' would both have the segments {png}: give "
                f"pictures names of their own"
            )
        pictures[png] = name
        if image["id"] is None:
            image["id"] = annotation["image_id"] = number
    twice = [id_ for id_, times in Counter(i["id"] for i, _ in entries).items() if times > 1]
    if twice:
        raise InputError(f"several pictures have the id {twice[0]}; one for each was expected")
    return [image for image, _ in entries], [annotation for _, annotation in entries]


def _write_png(source: Source, seg_dir: Path, item: Item) -> None:
    scene = source.scene_of(item)
    path = seg_dir / _png(scene)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_panoptic_png(path, scene.ids)


def check_link(link: Path, folder: Path) -> None:
    """Raise ``InputError`` if what is there does not lead to the folder."""
    if os.path.lexists(link) and not (link.exists() and link.samefile(folder)):
        raise InputError(f"'{link}' is there and is not '{folder}': move it away")


def link_to(link: Path, folder: Path) -> None:
    """Make a link to a folder, unless it is there."""
    link.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(link):
        link.symlink_to(folder.resolve(), target_is_directory=True)
