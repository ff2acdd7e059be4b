"""What a raced search has seen of its pictures, kept so that no later start asks again."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmpanonas.records.candidates import is_count, is_numbers
from mmpanonas.records.jsonlines import JsonLines

#: A picture's id, the name of its segment map, and for each class that counts a list of its label,
#: true and false positives, misses and sum of IoUs.
Picture = list


@dataclass(frozen=True)
class Seen:
    """Of one candidate the first pictures, in the search's order, and the metrics over them."""

    pictures: list[Picture]
    metrics: dict[str, float]


class Rungs:
    """``rungs.jsonl`` in a search's folder: a line for each part of the pictures that was seen.

    Args:
        folder: the search's.
        say: called with a sentence on a damaged line, which is left out: that part is seen again.
    """

    def __init__(self, folder: str | os.PathLike, say: Callable[[str], None]) -> None:
        self._lines, self._say = JsonLines(Path(folder) / "rungs.jsonl"), say

    def append(self, index: int, start: int, pictures: list[Picture], metrics: dict) -> None:
        """Put on disk what candidate ``index`` saw from picture ``start`` on."""
        item = dict(index=index, start=start, pictures=pictures, metrics=metrics)
        self._lines.append(item | dict(checksum=_checksum(item)))

    def read(self) -> dict[int, Seen]:
        """All that was seen, by index, as far as it has no gap."""
        found: dict[int, Seen] = {}
        for line in self._lines.lines(damaged=self._say)[0]:
            item = dict(line.item)
            checksum = item.pop("checksum", None)
            if checksum != _checksum(item) or not _is_rung(item):
                self._say(f"{self._lines.path}, line {line.number}, is not what was written")
                continue
            known = found.get(item["index"], Seen([], {})).pictures
            if item["start"] == len(known):
                found[item["index"]] = Seen([*known, *item["pictures"]], item["metrics"])
        return found


def _is_rung(item: dict) -> bool:
    return (
        item.keys() == {"index", "start", "pictures", "metrics"}
        and is_count(item["index"])
        and is_count(item["start"])
        and isinstance(item["pictures"], list)
        and is_numbers(item["metrics"])
    )


def _checksum(item: dict) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:16]
