"""Evaluations that several searches of one supernet share."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from mmpanonas.records.candidates import is_numbers, read_arch
from mmpanonas.records.jsonlines import BEGIN, JsonLines, Line, SearchDirectoryError
from mmpanonas.space import Arch


class Cache:
    """Metrics by architecture; searches that run at the same time see each other's.

    Args:
        folder: holds one file for each ``context``, named by its digest.
        context: everything besides the architecture that metrics depend on, as plain data.
        say: called with a sentence on a damaged line, which is left out, and when the file
            cannot be read or written, after which there is no cache. None: these are errors.

    Raises:
        SearchDirectoryError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        context: dict,
        say: Callable[[str], None] | None = None,
    ) -> None:
        text = json.dumps(context, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SearchDirectoryError(
                f"val_cfg.cache: cannot make the folder {folder}: {error.strerror}"
            ) from None
        self._lines = JsonLines(Path(folder) / f"{digest[:20]}.jsonl")
        self._known: dict[Arch, dict[str, float]] = {}
        self._read = BEGIN
        self._say, self._lost = say, False

    def get(self, arch: Arch) -> dict[str, float] | None:
        """The metrics of ``arch`` if any search has evaluated it by now."""
        if not self._lost:
            try:
                lines, self._read = self._lines.lines(self._read, self._say and self._leave_out)
            except SearchDirectoryError as error:
                lines = []
                self._lose(error)
            for line in lines:
                self._learn(line)
        return self._known.get(arch)

    def put(self, arch: Arch, metrics: dict[str, float]) -> None:
        """Share the metrics of ``arch``."""
        self._known[arch] = metrics
        if not self._lost:
            item = dict(arch=arch.to_dict(), metrics=metrics)
            try:
                self._lines.append(item | dict(checksum=_checksum(item)))
            except SearchDirectoryError as error:
                self._lose(error)

    def _learn(self, line: Line) -> None:
        item = dict(line.item)
        checksum = item.pop("checksum", None)
        try:
            if item.keys() != {"arch", "metrics"} or not is_numbers(item["metrics"]):
                raise ValueError("is no evaluation")
            if checksum not in (None, _checksum(item)):  # older files have none
                raise ValueError("is not what was written")
            self._known[read_arch(item["arch"])] = item["metrics"]
        except ValueError as error:
            if self._say is None:
                raise self._lines.error(line.number, str(error)) from None
            self._leave_out(f"{self._lines.path}, line {line.number}, {error}")

    def _leave_out(self, problem: str) -> None:
        self._say(f"{problem}: it is left out of the cache")

    def _lose(self, error: SearchDirectoryError) -> None:
        if self._say is None:
            raise error
        self._lost = True
        self._say(f"the search goes on without its cache: {error}")


def _checksum(item: dict) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:16]
