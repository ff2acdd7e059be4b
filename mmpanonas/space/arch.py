"""An architecture: the named choice of every layer, part by part.

The file format is JSON with one key per part, each a list of names. The paper's own
files (integer codes under ``backbone``, ``head`` and ``inter``) are read as well.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import repr

from mmpanonas.files import unique_keys, write_atomically
from mmpanonas.space.operations import PARTS, ArchError, operations_of
from mmpanonas.space.published import PART_CHOICES

#: How the published format groups the parts, and how many layers the split needs.
_PUBLISHED = {
    "backbone": (("backbone", None),),
    "head": (("mask_head", 4), ("semantic_head", 3)),
    "inter": (("things_to_stuff", 4), ("stuff_to_things", 5)),
}


class Arch:
    """Named choices of each part; the empty tuple for a part that the network lacks.

    A part is an attribute: ``arch.mask_head[2]``. Equal architectures are equal and hash alike.

    Args:
        *choices: of the parts in code order.
        **parts: choices by part.

    Raises:
        ArchError: an unknown part, or a choice that no layer of the part can have.
    """

    __slots__ = ("_parts",)

    def __init__(self, *choices: Sequence[str], **parts: Sequence[str]) -> None:
        named = dict(zip(PARTS, choices, strict=False)) | parts
        unknown = sorted(set(named) - set(PARTS))
        if unknown or len(choices) > len(PARTS):
            raise ArchError(f"unknown part {repr(unknown[0])}; the parts are {', '.join(PARTS)}")
        ordered = {name: _checked(name, named[name]) for name in PARTS if name in named}
        object.__setattr__(self, "_parts", {name: c for name, c in ordered.items() if c})

    def __getattr__(self, name: str) -> tuple[str, ...]:
        if name in PARTS:
            return self._parts.get(name, ())
        raise AttributeError(f"{type(self).__name__} has no part {name!r}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("an architecture does not change: make another one")

    def __reduce__(self) -> tuple:
        return Arch.from_dict, (self.to_dict(),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Arch) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(tuple(self._parts.items()))

    def __repr__(self) -> str:
        return f"Arch({', '.join(f'{name}={choices}' for name, choices in self._parts.items())})"

    def replace(self, **parts: Sequence[str]) -> "Arch":
        """The same with other choices in some parts; an empty one is left out."""
        return Arch(**self._parts | parts)

    def to_dict(self) -> dict[str, list[str]]:
        """The parts that the network has, as plain lists."""
        return {name: list(choices) for name, choices in self._parts.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Sequence[str]]) -> "Arch":
        """Inverse of :meth:`to_dict`. Raises ``ArchError`` on unknown parts or choices."""
        unknown = sorted(set(data) - set(PARTS), key=str)
        if unknown:
            raise ArchError(f"unknown part {repr(unknown[0])}; the parts are {', '.join(PARTS)}")
        return cls(**data)

    def to_published(self) -> list[dict[str, list[int]]]:
        """Integer codes in the paper's file format: a list that holds one object.

        Raises:
            ArchError: a part or a choice is none of the paper's.
        """
        for name, choices in self._parts.items():
            for choice in choices:
                if choice not in PART_CHOICES.get(name, ()):
                    raise ArchError(f"{name}: {choice} has no code in the published format")
        codes = {
            key: [
                PART_CHOICES[part].index(choice)
                for part, _ in parts
                for choice in getattr(self, part)
            ]
            for key, parts in _PUBLISHED.items()
        }
        return [{key: code for key, code in codes.items() if code}]

    @classmethod
    def from_published(cls, data: Sequence[Mapping[str, Sequence[int]]]) -> "Arch":
        """Read the paper's format: ``[{"backbone": [...], "head": [...], "inter": [...]}]``.

        ``head`` holds the 4 layers of the mask head, then the 3 of the semantic head;
        ``inter`` the 4 modules things to stuff, then the 5 stuff to things.
        """
        if len(data) != 1 or not isinstance(data[0], Mapping):
            kinds = ", ".join(type(item).__name__ for item in data[:3])
            raise ArchError(
                f"the published format is a list with one object, got {len(data)} items ({kinds})"
            )
        parts: dict[str, tuple[str, ...]] = {}
        for key, codes in data[0].items():
            if key not in _PUBLISHED:
                raise ArchError(
                    f"unknown key {repr(key)}; the published keys are {list(_PUBLISHED)}"
                )
            if isinstance(codes, str) or not isinstance(codes, Sequence):
                raise ArchError(f"{key}: expected a list of codes, got {repr(codes)}")
            parts.update(_split_codes(key, list(codes)))
        return cls(**parts)

    def dump(self, path: str | os.PathLike) -> None:
        """Write the file, one line per part, replacing an older one atomically."""
        lines = [f"  {json.dumps(name)}: {json.dumps(c)}" for name, c in self.to_dict().items()]
        write_atomically(path, "{\n" + ",\n".join(lines) + "\n}\n")

    @classmethod
    def load(cls, source: "str | os.PathLike | Mapping | Sequence | Arch") -> "Arch":
        """An ``Arch``, its dictionary, a published list, or a JSON file of either format.

        Raises:
            ArchError: unreadable file, unknown part or choice; the message names the file.
        """
        if isinstance(source, Arch):
            return source
        if not isinstance(source, str | os.PathLike):
            return cls.from_dict(source) if isinstance(source, Mapping) else cls._from_list(source)
        try:
            text = Path(source).read_text(encoding="utf-8-sig")
            data = json.loads(text, object_pairs_hook=unique_keys)
            return cls.load(data) if isinstance(data, dict | list) else cls._from_list(data)
        except FileNotFoundError:
            raise ArchError(f"architecture file {source} does not exist") from None
        except OSError as error:
            raise ArchError(f"architecture file {source}: {error.strerror or error}") from None
        except RecursionError:
            raise ArchError(f"architecture file {source}: it is nested too deep") from None
        except ValueError as error:
            raise ArchError(f"architecture file {source}: {error}") from None

    @classmethod
    def _from_list(cls, data: object) -> "Arch":
        if not isinstance(data, Sequence) or isinstance(data, str):
            raise ArchError(f"expected an object of parts or a published list, got {repr(data)}")
        return cls.from_published(data)


def check_choice(part: str, layer: int, choice: object) -> None:
    """Raise ``ArchError`` unless ``choice`` is one of the names that the part knows."""
    known = operations_of(part)
    if choice not in known:
        raise ArchError(
            f"{part}[{layer}]: unknown choice {repr(choice)}; known: {', '.join(known)}"
        )


def _checked(part: str, choices: object) -> tuple[str, ...]:
    if isinstance(choices, str) or not isinstance(choices, Sequence):
        raise ArchError(f"{part}: expected a list of names, got {repr(choices)}")
    for layer, choice in enumerate(choices):
        check_choice(part, layer, choice)
    return tuple(choices)


def _split_codes(key: str, codes: list[int]) -> dict[str, tuple[str, ...]]:
    """Name the integer codes of one published key, split over its parts."""
    parts = _PUBLISHED[key]
    expected = sum(layers or len(codes) for _, layers in parts)
    if len(codes) != expected:
        raise ArchError(f"{key}: expected {expected} codes, got {len(codes)}")
    named, start = {}, 0
    for part, layers in parts:
        names = PART_CHOICES[part]
        chunk = codes[start : start + (layers or len(codes))]
        start += len(chunk)
        for place, code in enumerate(chunk):
            if type(code) is not int or not 0 <= code < len(names):  # a bool is an int
                raise ArchError(
                    f"{part}[{place}]: code {repr(code)} is not one of 0 to {len(names) - 1}"
                )
        named[part] = tuple(names[code] for code in chunk)
    return named
