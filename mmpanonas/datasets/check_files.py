"""Check of one picture and its segment PNG against their entries in the annotation file."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mmpanonas.datasets.pictures import inspect_picture, lacks_end
from mmpanonas.datasets.segments import describe_segments
from mmpanonas.errors import InputError
from mmpanonas.panoptic_png import read_panoptic_png


class Sample(NamedTuple):
    """An image of a data set."""

    image: dict
    annotation: dict | None
    paths: dict[str, Path]
    """The existing ones of ``picture`` and ``segment PNG``."""


def sample_problems(sample: Sample, decode: bool, strict: bool) -> list[str]:
    """What is wrong with the files of a sample; see :func:`mmpanonas.datasets.check`."""
    problems = []
    for what, path in sample.paths.items():
        is_png = what == "segment PNG"
        found = list(_picture_problems(path, what, sample.image, decode and not is_png))
        if decode and is_png and not found:
            found = list(_segment_problems(path, sample.annotation, strict))
        problems += found
    return problems


def _picture_problems(path: Path, what: str, image: dict, decode: bool) -> Iterator[str]:
    """Whether a file is whole and of the size that the JSON says."""
    try:
        kind, size = inspect_picture(path, decode=False)
    except InputError as error:
        yield f"{what} {error}"
        return
    if what == "segment PNG" and kind != "PNG":
        yield f"{what} '{path}' is a {kind}, which changes ids; a PNG is expected"
        return
    if lacks_end(path, kind):
        yield f"{what} '{path}' ({path.stat().st_size} bytes) is truncated: no {kind} end marker"
    elif decode:
        try:
            inspect_picture(path, decode=True)
        except InputError as error:
            yield f"{what} {error}"
    if size != (image["width"], image["height"]):
        yield (
            f"{what} '{path}' is {size[0]} x {size[1]}, the JSON says {image['width']} x "
            f"{image['height']} (width x height)"
        )


def _segment_problems(path: Path, annotation: dict, strict: bool) -> Iterator[str]:
    """Whether ids, and if ``strict`` areas and boxes, of a PNG are those of the JSON."""
    try:
        ids = read_panoptic_png(path)
    except InputError as error:
        yield str(error)
        return
    listed = {segment["id"]: segment for segment in annotation["segments_info"]}
    painted = {segment["id"]: segment for segment in describe_segments(ids, lambda _: None)}
    unknown = sorted(painted.keys() - listed.keys())
    if unknown:
        yield (
            f"segment PNG '{path}' holds the ids {unknown[:5]} ({len(unknown)} in all) that the "
            "JSON does not list; ids are R + 256 G + 256^2 B"
        )
    if not strict:
        return
    for segment_id, segment in listed.items():
        found = painted.get(segment_id)
        if found is None:
            yield f"segment PNG '{path}' has no pixel of segment {segment_id}, which the JSON lists"
            continue
        for key in ("area", "bbox"):
            if segment[key] != found[key]:
                yield (
                    f"segment {segment_id} of image {annotation['image_id']}: the JSON says {key} "
                    f"{segment[key]}, segment PNG '{path}' {found[key]}"
                )
