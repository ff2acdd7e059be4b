"""Check of one picture and its segment PNG against their entries in the annotation file."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from mmcv.transforms import LoadImageFromFile

from mmpanonas.datasets.pictures import load_size, picture_size
from mmpanonas.errors import InputError
from mmpanonas.panoptic.boxes import stopping_difference
from mmpanonas.panoptic.png import PNG_HEAD, decode_panoptic_png, png_problem
from mmpanonas.panoptic.segments import describe_segments


class Sample(NamedTuple):
    """An image of a data set."""

    image: dict
    annotation: dict | None
    picture: str | None
    """Path of the file, None if there is none; so is ``png``."""
    png: str | None
    things: frozenset[int]
    """Ids of the categories that are things."""


class Found(NamedTuple):
    """What there is to say of one sample or of a whole data set, a line each."""

    problems: list[str]
    """What stops or falsifies a run."""
    remarks: list[str]
    """What a run passes over but the format does not allow."""


def check_sample(sample: Sample, decode: bool, loader: LoadImageFromFile) -> Found:
    """What is wrong with the files of a sample; ``decode`` as for ``find_problems``."""
    found = Found([], [])
    if sample.picture:
        try:
            size = load_size(sample.picture, loader) if decode else picture_size(sample.picture)
        except InputError as error:
            found.problems.append(f"picture {error}")
        else:
            found.problems.extend(_size_problem("picture", sample.picture, size, sample.image))
    if sample.png:
        _check_png(sample, decode, found)
    return found


def _size_problem(what: str, path: str, size: tuple[int, int], image: dict) -> list[str]:
    if size == (image["width"], image["height"]):
        return []
    return [
        f"{what} '{path}' is {size[0]} x {size[1]}, the JSON says {image['width']} x "
        f"{image['height']} (width x height)"
    ]


def _check_png(sample: Sample, decode: bool, found: Found) -> None:
    path = sample.png
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        found.problems.append(f"segment PNG '{path}' cannot be read ({error.strerror})")
        return
    problem = png_problem(data)
    if problem:
        if data.startswith(b"\xff\xd8\xff"):
            problem = "is a JPEG, which changes ids; a PNG is expected"
        found.problems.append(f"segment PNG '{path}' ({len(data)} bytes) {problem}")
        return
    width, height, depth, colour = struct.unpack_from(">IIBB", data, len(PNG_HEAD))
    wrong_size = _size_problem("segment PNG", path, (width, height), sample.image)
    found.problems.extend(wrong_size)
    if not decode or wrong_size:
        return
    try:
        ids = decode_panoptic_png(data, path)
    except InputError as error:
        found.problems.append(str(error))
        return
    turned = _size_problem("segment PNG", path, ids.shape[::-1], sample.image)
    if turned:
        found.problems.extend(turned)
        return
    painted = {segment["id"]: segment for segment in describe_segments(ids, lambda _: None)}
    listed = {segment["id"]: segment for segment in sample.annotation["segments_info"]}
    found.problems.extend(_unlisted(path, painted, listed, depth, colour))
    for segment_id, segment in listed.items():
        _compare(sample, segment, painted.get(segment_id), found)


def _unlisted(path: str, painted: dict, listed: dict, depth: int, colour: int) -> Iterator[str]:
    unknown = sorted(painted.keys() - listed.keys())
    if unknown:
        kinds = {0: "gray", 2: "RGB", 3: "palette", 4: "gray and alpha", 6: "RGB and alpha"}
        plain = (depth, colour) == (8, 2)
        kind = "" if plain else f"; it is {depth}-bit {kinds[colour]}, 8-bit RGB is expected"
        yield (
            f"segment PNG '{path}' holds the ids {unknown[:5]} ({len(unknown)} in all) that the "
            f"JSON does not list; ids are R + 256 G + 256^2 B{kind}"
        )


def _compare(sample: Sample, segment: dict, painted: dict | None, found: Found) -> None:
    """A listed segment against its pixels."""
    if painted is None:
        found.problems.append(
            f"segment PNG '{sample.png}' has no pixel of segment {segment['id']}, which the JSON "
            "lists"
        )
        return
    what = f"segment {segment['id']} of image {sample.image['id']}"
    size = sample.image["width"], sample.image["height"]
    is_instance = segment["category_id"] in sample.things and not segment.get("iscrowd", 0)
    wrong = stopping_difference(segment, painted["area"], painted["bbox"], size, is_instance)
    if wrong:
        found.problems.append(f"{what}: {wrong} ('{sample.png}')")
        return
    for key in ("area", "bbox"):
        if segment[key] != painted[key]:
            found.remarks.append(
                f"{what}: the JSON says {key} {segment[key]}, segment PNG '{sample.png}' "
                f"{painted[key]}"
            )
