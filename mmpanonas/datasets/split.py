"""One annotation file divided into train, val and test, and train into nas_train and nas_val."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmpanonas.datasets.annotations.file import read_panoptic_json
from mmpanonas.datasets.annotations.problems import (
    image_problems,
    refuse_problems,
    segment_problems,
)
from mmpanonas.datasets.converters.writing import check_link, link_to
from mmpanonas.datasets.files import check_file_place
from mmpanonas.datasets.nas_split import ImageId, categories_of, part_of
from mmpanonas.errors import InputError
from mmpanonas.files import write_atomically

REST = "nas_train"
"""The part of what no other takes."""


def sizes_of(shares: Mapping[str, float], number: int) -> dict[str, int]:
    """Pictures of each part, at least one where the share is not 0; ``nas_train`` has the rest.

    Raises:
        InputError: nothing is left for it.
    """
    sizes = {part: max(1, round(share * number)) for part, share in shares.items() if share}
    sizes[REST] = number - sum(sizes.values())
    if sizes[REST] < 1:
        asked = ", ".join(f"{part} {share:g}" for part, share in shares.items())
        raise InputError(
            f"{asked} were asked of {number} annotated pictures, which leaves none to train on: "
            "ask for less"
        )
    return sizes


def draw_parts(
    categories: Mapping[ImageId, set[int]], sizes: Mapping[str, int], seed: int
) -> dict[ImageId, str]:
    """Draw pictures into parts that have each category in the shares that they have of all.

    First every part gets a picture of each category that is in as many pictures as there are
    parts, rarest first, as long as there is one and room. The rest goes, again rarest first, where
    most of the category is wanting (after Sechidis et al., On the Stratification of Multi-Label
    Data, 2011).

    Args:
        categories: the category ids that are in each picture; their order does not matter.
        sizes: pictures of each part, in all as many as there are.
        seed: of the draw.

    Returns:
        the part of each picture.
    """
    ranked = sorted(categories)
    drawn = [ranked[place] for place in np.random.default_rng(seed).permutation(len(ranked))]
    waiting = {c: [] for found in categories.values() for c in found}
    for image_id in drawn:
        for category in categories[image_id]:
            waiting[category].append(image_id)
    times = {category: len(found) for category, found in waiting.items()}
    parts: dict[ImageId, str] = {}
    room, has = dict(sizes), {part: Counter() for part in sizes}

    def put(image_id: ImageId, part: str) -> None:
        parts[image_id] = part
        room[part] -= 1
        has[part].update(categories[image_id])

    for category in sorted(waiting, key=lambda c: (times[c], c)):
        for part in sorted(sizes, key=sizes.get):
            left = [i for i in waiting[category] if i not in parts]
            if times[category] >= len(sizes) and left and room[part] and not has[part][category]:
                put(left[0], part)

    def wanting(part: str, category: int) -> tuple[float, float]:
        share = sizes[part] / len(ranked)
        return share * times[category] - has[part][category], room[part] / sizes[part]

    for category in sorted(waiting, key=lambda c: (times[c], c)):
        for image_id in waiting[category]:
            if image_id not in parts:
                open_ = [part for part in sizes if room[part]]
                put(image_id, max(open_, key=lambda part: wanting(part, category)))
    for image_id in drawn:  # of no category
        if image_id not in parts:
            put(image_id, max(sizes, key=lambda part: room[part] / sizes[part]))
    return parts


def split_panoptic(
    ann_file: Path,
    pictures: Path,
    segments: Path,
    out: Path,
    shares: Mapping[str, float],
    seed: int = 0,
) -> dict[str, Path]:
    """Write the parts of a panoptic file as a data set of their own, with links to its folders.

    Pictures without annotation go to ``nas_train``; ``train`` is that and ``nas_val``.

    Args:
        pictures: folder that its file names begin at.
        segments: folder of its segment PNGs.
        out: the data set to write; nothing is written elsewhere.
        shares: of the annotated pictures, for ``val``, ``test`` and ``nas_val``.
        seed: of the draw.

    Returns:
        the annotation files by part.

    Raises:
        InputError: as :func:`read_panoptic_json`; a part would be empty, or something is in the
            way. Nothing is written then.
        OSError: the files cannot be written.
    """
    content = read_panoptic_json(ann_file)
    refuse_problems([*image_problems(content), *segment_problems(content)], ann_file)
    labelled = {annotation["image_id"] for annotation in content["annotations"]}
    annotated = {i: found for i, found in categories_of(content).items() if i in labelled}
    parts = draw_parts(annotated, sizes_of(shares, len(annotated)), seed)
    members: dict[str, set] = {part: set() for part in (REST, *shares)}
    for image in content["images"]:
        members[parts.get(image["id"], REST)].add(image["id"])
    members["train"] = members[REST] | members["nas_val"]
    files = {
        part: out / f"annotations/panoptic_{part}.json" for part, ids in members.items() if ids
    }
    links = {}
    for part in ("train", "val", "test"):
        if part in files:
            links |= {out / "images" / part: pictures, files[part].with_suffix(""): segments}
    for place, folder in links.items():
        check_link(place, folder)
    (out / "annotations").mkdir(parents=True, exist_ok=True)
    for path in files.values():
        if path.exists() and os.path.samefile(path, ann_file):
            raise InputError(f"'{ann_file}' would be overwritten: give another folder")
        check_file_place(path)
    for place, folder in links.items():
        link_to(place, folder)
    for part, path in files.items():
        write_atomically(path, json.dumps(part_of(content, members[part])))
    return files
