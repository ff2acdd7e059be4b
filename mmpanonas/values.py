"""What a value must be: kinds that constructors, configs and command lines share.

A constructor says it in its signature, ``population: PositiveInt = 50``, and is decorated with
:func:`checked`. A config's values are held against the same signatures before anything is built.
"""

import inspect
import math
import numbers
import os
import re
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from typing import Annotated, Literal, get_args, get_origin

from mmpanonas.errors import InputError


@dataclass(frozen=True)
class Kind:
    """A kind of values.

    Attributes:
        words: what is expected, as a message says it.
        fits: whether a value is one.
    """

    words: str
    fits: Callable[[object], bool]

    def check(self, name: str, value: object) -> None:
        """Raise ``InputError``, which says ``name`` and ``value``, unless the value fits."""
        if not self.fits(value):
            raise InputError(f"{name}: expected {self.words}, got {value!r}")

    def __or__(self, other: "Kind") -> "Kind":
        if other.words in self.words:
            return self
        return Kind(f"{self.words} or {other.words}", lambda v: self.fits(v) or other.fits(v))


@dataclass(frozen=True)
class ArgumentsOf:
    """Of a dictionary, or a list of them: it holds arguments of ``kind``."""

    kind: type


@dataclass(frozen=True, eq=False)  # annotations are hashed, dictionaries cannot be
class TypeIn:
    """Of a dictionary: its ``type`` is a key of ``classes``, the rest are arguments of that."""

    classes: Mapping[str, type]


def _between(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _range_words(low: float | None, high: float | None) -> str:
    if low is None:
        return "" if high is None else f" up to {high:g}"
    return f" of {low} or more" if high is None else f" from {low} to {high}"


def whole(low: int | None = None, high: int | None = None) -> Kind:
    """Whole numbers from ``low`` to ``high``; True and False are none."""

    def fits(value: object) -> bool:
        is_number = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        return is_number and _between(value, low, high)

    return Kind(f"a whole number{_range_words(low, high)}", fits)


def number(low: float | None = None, high: float | None = None, above: float | None = None) -> Kind:
    """Finite numbers from ``low`` to ``high``, greater than ``above``."""

    def fits(value: object) -> bool:
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            return False
        return _between(value, low, high) and (above is None or value > above)

    words = _range_words(low, high)
    if above is not None:
        words = f" greater than {above:g}" + ("" if high is None else f", up to {high:g}")
    return Kind(f"a number{words}", fits)


def one_of(allowed: Collection) -> Kind:
    """One of a few values."""

    def fits(value: object) -> bool:
        return any(type(value) is type(one) and value == one for one in allowed)

    return Kind(f"one of {', '.join(map(repr, allowed))}", fits)


def several(kind: Kind, count: int | None = None) -> Kind:
    """Lists or tuples of ``kind``."""

    def fits(value: object) -> bool:
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        return is_list and count in (None, len(value)) and all(map(kind.fits, value))

    many = f"{count} values" if count else "a list"
    return Kind(f"{many}, each {kind.words}", fits)


def _is_ray_address(value: object) -> bool:
    match = re.fullmatch(r"(?:ray://)?(?:[\w.-]+|\[[\da-fA-F:.]+\]):(\d{1,5})", str(value), re.A)
    return value in ("auto", "local") or (match is not None and 0 < int(match[1]) < 65_536)


FLAG = Kind("True or False", lambda value: isinstance(value, bool))
TEXT = Kind("a text", lambda value: isinstance(value, str | os.PathLike))
NONE = Kind("None", lambda value: value is None)
MAPPING = Kind("a dictionary", lambda value: isinstance(value, Mapping))

Count = Annotated[int, whole(0)]
PositiveInt = Annotated[int, whole(1)]
Workers = Annotated[int, whole(1, 4096)]
Threads = Annotated[int, whole(0, 4096)]
Resamples = Annotated[int, whole(1, 1_000_000)]
Pixels = Annotated[int, whole(1, 65_535)]
Number = Annotated[float, number()]
Positive = Annotated[float, number(above=0)]
NotNegative = Annotated[float, number(0)]
Probability = Annotated[float, number(0, 1)]
Label = Annotated[int, whole(0, 255)]
Seed = Annotated[int, whole(0, 2**32 - 1)]
Size = Annotated[
    Sequence[int], Kind("(height, width) in pixels, whole and positive", several(whole(1), 2).fits)
]
RayAddress = Annotated[
    str, Kind("auto, local, HOST:PORT or ray://HOST:PORT of a cluster", _is_ray_address)
]
Widths = Annotated[Sequence[int], several(whole(1))]

#: Of operations, in code order.
Names = Annotated[Sequence[str], several(TEXT)]

_PLAIN = {bool: FLAG, int: whole(), float: number(), str: TEXT, types.NoneType: NONE}


def kind_of(annotation: object) -> Kind | None:
    """The kind that an annotation speaks of; None where it says nothing that we know."""
    if get_origin(annotation) is Annotated:
        kinds = [item for item in annotation.__metadata__ if isinstance(item, Kind)]
        return kinds[0] if kinds else kind_of(annotation.__origin__)
    if get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = [kind_of(item) for item in get_args(annotation)]
        if None in kinds:
            return None
        first, *others = kinds
        for kind in others:
            first = first | kind
        return first
    if get_origin(annotation) is Literal:
        return one_of(get_args(annotation))
    if not isinstance(annotation, type):
        return None
    return MAPPING if issubclass(annotation, dict) else _PLAIN.get(annotation)


@cache
def kinds_of(function: Callable) -> dict[str, Kind]:
    """The kinds in a function's or a dataclass's annotations, by argument."""
    hints = typing.get_type_hints(function, include_extras=True)
    kinds = {name: kind_of(hint) for name, hint in hints.items() if name != "return"}
    return {name: kind for name, kind in kinds.items() if kind}


def checked(init: Callable) -> Callable:
    """Decorate a constructor: its arguments are what its annotations say, or ``InputError``."""
    signature = inspect.signature(init)

    @wraps(init)
    def wrapped(self, *args, **kwargs):
        given = signature.bind(self, *args, **kwargs).arguments
        for name, kind in kinds_of(init).items():
            if name in given:
                kind.check(name, given[name])
        return init(self, *args, **kwargs)

    return wrapped


def check_fields(instance: object) -> None:
    """For a dataclass's ``__post_init__``: its fields are what their annotations say."""
    for name, kind in kinds_of(type(instance)).items():
        if name in vars(instance):
            kind.check(name, getattr(instance, name))
