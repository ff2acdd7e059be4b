"""Classes by name: what a data set, a checkpoint and a model mean by their labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mmpanonas.errors import InputError


class Classes(NamedTuple):
    """Names of things and of stuff; labels count the things, then the stuff."""

    things: tuple[str, ...]
    stuff: tuple[str, ...]

    @classmethod
    def of_meta(cls, meta: Mapping | None) -> Classes | None:
        """Those of a data set's metainfo, or None if it does not tell things from stuff."""
        if not meta or not {"classes", "thing_classes"} <= meta.keys():
            return None
        names, things = tuple(meta["classes"]), tuple(meta["thing_classes"])
        return cls(things, tuple(name for name in names if name not in things))

    @property
    def names(self) -> tuple[str, ...]:
        """By label."""
        return self.things + self.stuff

    def meta(self) -> dict:
        """The keys of a data set's metainfo that name them."""
        return dict(classes=self.names, thing_classes=self.things, stuff_classes=self.stuff)

    def same_as(self, other: Classes) -> bool:
        """Whether these are the same things and the same stuff, in any order."""
        return set(self.things) == set(other.things) and set(self.stuff) == set(other.stuff)


def check_same(ours: Classes, source: str, theirs: Classes, other: str, what_to_do: str) -> None:
    """Compare two lists of classes by name; their order does not matter.

    Raises:
        InputError: they differ; the message shows what is in one and not in the other.
    """
    if ours.same_as(theirs):
        return
    pairs = (("things", ours.things, theirs.things), ("stuff", ours.stuff, theirs.stuff))
    unlike = [
        f"{kind} {_only(mine, others)} only in {source}, {_only(others, mine)} only in {other}"
        for kind, mine, others in pairs
        if set(mine) != set(others)
    ]
    raise InputError(
        f"{source} has {len(ours.things)} things and {len(ours.stuff)} stuff, {other} has "
        f"{len(theirs.things)} and {len(theirs.stuff)}: {'; '.join(unlike)}; {what_to_do}"
    )


def _only(names: Iterable[str], others: Iterable[str]) -> str:
    found = [name for name in names if name not in set(others)]
    more = f" and {len(found) - 10} more" if len(found) > 10 else ""
    return f"{found[:10]}{more}"
