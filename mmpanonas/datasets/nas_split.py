"""The nas_train / nas_val split: pictures held out of training, by which a search ranks."""

import json
import os
from pathlib import Path

import numpy as np

from mmpanonas.datasets.annotation_file import read_panoptic_json
from mmpanonas.errors import InputError


def choose_held_out(image_ids: list[int], num_val: int, seed: int) -> set[int]:
    """Draw ``num_val`` ids; the answer does not depend on the order of ``image_ids``."""
    order = np.random.default_rng(seed).permutation(len(image_ids))
    ranked = sorted(image_ids)
    return {ranked[place] for place in order[:num_val]}


def split_nas(ann_file: str | os.PathLike, num_val: int, seed: int = 0) -> tuple[Path, Path]:
    """Divide the pictures of a COCO panoptic annotation file in two, kept in the file's order.

    Args:
        ann_file: the training annotations, such as ``panoptic_train2017.json``.
        num_val: pictures held out for the search.
        seed: of the draw.

    Returns:
        paths of the two files written beside it, ``panoptic_nas_train2017.json`` and
        ``panoptic_nas_val2017.json`` (``<stem>_nas_train.json`` and ``<stem>_nas_val.json`` if
        the name has no "train").

    Raises:
        InputError: as :func:`read_panoptic_json`; also if ``num_val`` leaves nothing on one side,
            or image ids repeat.
        OSError: the files cannot be written.
    """
    ann_file = Path(ann_file)
    content = read_panoptic_json(ann_file)
    image_ids = [image["id"] for image in content["images"]]
    if not 0 < num_val < len(image_ids) or seed < 0:
        raise InputError(
            f"num_val {num_val} and seed {seed} were given; '{ann_file}' has {len(image_ids)} "
            "images, of which at least one must stay on each side, and a seed is not negative"
        )
    if len(set(image_ids)) != len(image_ids):
        raise InputError(
            f"annotation file '{ann_file}' has {len(image_ids)} images but only "
            f"{len(set(image_ids))} image ids; give each image its own id"
        )
    held_out = choose_held_out(image_ids, num_val, seed)
    train_path, val_path = nas_paths(ann_file)
    _write_part(train_path, content, set(image_ids) - held_out)
    _write_part(val_path, content, held_out)
    return train_path, val_path


def nas_paths(ann_file: str | os.PathLike) -> tuple[Path, Path]:
    """Where :func:`split_nas` writes the parts of an annotation file."""
    ann_file = Path(ann_file)
    head, found, tail = ann_file.stem.rpartition("train")
    if not found:
        head, tail = f"{ann_file.stem}_", ""
    train, val = (f"{head}nas_{part}{tail}{ann_file.suffix}" for part in ("train", "val"))
    return ann_file.with_name(train), ann_file.with_name(val)


def _write_part(path: Path, content: dict, image_ids: set[int]) -> None:
    part = {
        **content,
        "images": [image for image in content["images"] if image["id"] in image_ids],
        "annotations": [
            annotation
            for annotation in content["annotations"]
            if annotation["image_id"] in image_ids
        ],
    }
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(json.dumps(part))
    os.replace(unfinished, path)
