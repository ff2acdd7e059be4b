"""What a config says wrongly, and the word that was meant."""

import difflib
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """What a config says wrongly.

    Attributes:
        path: keys from the top.
        text: what is wrong, and what would be right.
        unknown: nobody reads the last key of the path; else its value is wrong.
    """

    path: tuple[str, ...]
    text: str
    unknown: bool = False

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.text}"


def nearest(word: str, known: Collection[str]) -> str:
    """The hint at the known word that was meant, or at all of them."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"known: {', '.join(sorted(known))}" if len(known) <= 30 else "nothing is called alike"


def alike(word: str, known: Collection[str]) -> bool:
    """Whether a word that may mean anything looks like a slip."""
    return word not in known and bool(difflib.get_close_matches(word, known, 1, cutoff=0.85))
