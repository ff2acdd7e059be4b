"""What entries of an annotation file have to do with each other, no file looked at."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence

from mmpanonas.errors import InputError


def refuse_problems(problems: Sequence[str], ann_file: str | os.PathLike) -> None:
    """Raise ``InputError`` if there are any."""
    if problems:
        raise InputError(
            f"annotation file '{os.fspath(ann_file)}' has {len(problems)} problems, the first: "
            f"{problems[0]}"
        )


def image_problems(content: dict) -> Iterator[str]:
    """Images and annotations of the JSON that do not belong together one by one."""
    image_ids = Counter(image["id"] for image in content["images"])
    annotated = Counter(annotation["image_id"] for annotation in content["annotations"])
    for image_id, number in image_ids.items():
        if number > 1:
            yield f"image id {image_id} is given to {number} images; ids must be unique"
    for image_id, number in annotated.items():
        if number > 1:
            yield f"image {image_id} has {number} annotations; one with all segments is expected"
        if image_id not in image_ids:
            yield f"an annotation is for image {image_id}, which 'images' lacks"


def segment_problems(content: dict) -> Iterator[str]:
    """Ids and categories that segments cannot have."""
    categories = {category["id"] for category in content["categories"]}
    for annotation in content["annotations"]:
        where = f"image {annotation['image_id']}"
        segments = annotation["segments_info"]
        if len({segment["id"] for segment in segments}) < len(segments):
            ids = Counter(segment["id"] for segment in segments)
            for segment_id, number in ids.items():
                if number > 1:
                    yield f"{where}: segment id {segment_id} occurs {number} times; make it unique"
        for segment in segments:
            if segment["category_id"] not in categories:
                yield (
                    f"{where}: segment {segment['id']} has category {segment['category_id']}, "
                    f"'categories' has only {sorted(categories)}"
                )


def json_remarks(content: dict) -> Iterator[str]:
    """What a run passes over in the JSON, but the format does not allow."""
    annotations = {entry["image_id"]: entry for entry in content["annotations"]}
    if annotations:
        for image in content["images"]:
            if not annotations.get(image["id"], {}).get("segments_info"):
                yield f"image {image['id']} has no segments: all of it is void"
    files = Counter(("picture", image["file_name"]) for image in content["images"])
    files.update(
        ("segment PNG", png_name(image, annotations[image["id"]]))
        for image in content["images"]
        if image["id"] in annotations
    )
    for (what, name), number in files.items():
        if number > 1:
            yield f"{number} images share the {what} '{name}'"
    stuff = {entry["id"] for entry in content["categories"] if not entry.get("isthing")}
    for image_id, annotation in annotations.items():
        kinds = Counter(segment["category_id"] for segment in annotation["segments_info"])
        for category, number in kinds.items():
            if number > 1 and category in stuff:
                yield (
                    f"image {image_id} has {number} segments of stuff category {category}; stuff "
                    "is one segment per image"
                )


def png_name(image: dict, annotation: dict) -> str:
    """Name of an image's segment PNG: the annotation's, or the picture's with another suffix."""
    return annotation.get("file_name") or f"{os.path.splitext(image['file_name'])[0]}.png"
