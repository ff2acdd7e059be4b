"""What every value of a COCO panoptic annotation file must be; further keys are left alone."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import MAX_ID

MAX_SHOWN = 3
"""Faults that an error names; the rest is counted."""
MAX_LENGTH = 60
"""Characters of a wrong value that an error shows."""

#: No text for a number, no ``true`` for 1, no NaN.
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)

#: COCO counts pictures, ADE20K names them.
ImageId = Annotated[int, Field(ge=-(2**63), lt=2**63)] | Annotated[str, Field(min_length=1)]
FileName = Annotated[str, Field(min_length=1)]
Side = Annotated[int, Field(ge=1, lt=2**31)]
CategoryId = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Flag = bool | Annotated[int, Field(ge=0, le=1)]
Colour = Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=3, max_length=3)]
Number = Annotated[float, Field(ge=-1e12, le=1e12)]


class Segment(TypedDict):
    """One segment of a picture."""

    __pydantic_config__ = _STRICT
    id: Annotated[int, Field(ge=1, le=MAX_ID)]
    category_id: CategoryId
    area: Annotated[float, Field(ge=0, le=1e12)]
    bbox: Annotated[list[Number], Field(min_length=4, max_length=4)]
    iscrowd: NotRequired[Flag]


class Annotation(TypedDict):
    """The segments of one picture."""

    __pydantic_config__ = _STRICT
    image_id: ImageId
    file_name: NotRequired[FileName]
    segments_info: list[Segment]


class Picture(TypedDict):
    """An entry of ``images``."""

    __pydantic_config__ = _STRICT
    id: ImageId
    file_name: FileName
    height: Side
    width: Side


class Category(TypedDict):
    """A class; files without annotations, such as COCO's test-dev, do not say what is a thing."""

    __pydantic_config__ = _STRICT
    id: CategoryId
    name: Annotated[str, Field(min_length=1)]
    isthing: NotRequired[Flag]
    color: NotRequired[Colour]


class PanopticFile(TypedDict):
    """The whole file."""

    __pydantic_config__ = _STRICT
    images: Annotated[list[Picture], Field(min_length=1)]
    annotations: NotRequired[list[Annotation]]
    categories: Annotated[list[Category], Field(min_length=1)]


_FILE = TypeAdapter(PanopticFile)


def check_schema(content: Any, name: str) -> None:
    """Check every value of a parsed annotation file; ``name`` is the file's, for the error.

    Raises:
        InputError: a value is missing or of another type or range; ids of pictures are partly
            numbers and partly texts; or there are annotations, but a category lacks ``isthing``.
    """
    try:
        _FILE.validate_python(content)
    except ValidationError as error:
        raise InputError(_message(name, list(_faults(error)))) from None
    if content.get("annotations"):
        faults = [
            f"categories[{place}] lacks 'isthing', which is 1 for a thing and 0 for stuff"
            for place, category in enumerate(content["categories"])
            if "isthing" not in category
        ]
        if faults:
            raise InputError(_message(name, faults))
    _refuse_mixed_ids(content, name)


def _refuse_mixed_ids(content: dict, name: str) -> None:
    """Numbers and texts never equal each other, and cannot be sorted together."""
    first = content["images"][0]["id"]
    ids = [(f"images[{n}].id", image["id"]) for n, image in enumerate(content["images"])]
    ids += [
        (f"annotations[{n}].image_id", annotation["image_id"])
        for n, annotation in enumerate(content.get("annotations", ()))
    ]
    faults = [
        f"{place} is {_shown(value)}, but images[0].id is {_shown(first)}; ids of pictures must "
        "all be numbers or all be texts"
        for place, value in ids
        if type(value) is not type(first)
    ]
    if faults:
        raise InputError(_message(name, faults))


def _message(name: str, faults: Sequence[str]) -> str:
    more = f" ({len(faults)} faults in all)" if len(faults) > MAX_SHOWN else ""
    return (
        f"annotation file '{name}' is not in COCO panoptic format: "
        f"{'; '.join(faults[:MAX_SHOWN])}{more}"
    )


def _faults(error: ValidationError) -> Iterator[str]:
    """One line a wrong place; what a value of several types could be is told together."""
    found: dict[str, tuple[dict, list[str]]] = {}
    lacking: dict[str, tuple[dict, list[str]]] = {}
    for fault in error.errors(include_url=False, include_context=False):
        place = _place(fault["loc"])
        if fault["type"] == "missing":
            owner = place.rpartition(".")[0] or "the file"
            lacking.setdefault(owner, (fault, []))[1].append(str(fault["loc"][-1]))
        else:
            message = re.sub("^(Input|List) should (be |have )?", "", fault["msg"])
            found.setdefault(place, (fault, []))[1].append(message)
    for owner, (fault, keys) in lacking.items():
        yield f"{owner} lacks {keys}, it has the keys {_cut(str(sorted(map(str, fault['input']))))}"
    for place, (fault, expected) in found.items():
        yield f"{place} is {_shown(fault['input'])}; expected: {' or '.join(expected)}"


def _place(location: tuple[int | str, ...]) -> str:
    """``annotations[17].segments_info[3].area``; pydantic adds the branches of a union."""
    place = ""
    for step in location:
        if isinstance(step, int):
            place += f"[{step}]"
        elif step not in ("int", "str", "bool", "float") and not step.startswith("constrained-"):
            place += f".{step}" if place else step
    return place or "the file"


def _shown(value: Any) -> str:
    """A value as JSON has it, cut; never fails, whatever the value is."""
    if isinstance(value, dict | list):
        kind = "object" if isinstance(value, dict) else "list"
        return f"{'an' if kind == 'object' else 'a'} {kind} of {len(value)}"
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a number of over 40 digits"
    return _cut(json.dumps(value))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}..."
