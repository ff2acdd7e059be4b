"""Evaluations that several searches of one supernet share."""

import hashlib
import json
import os
from pathlib import Path

from mmpanonas.execution.jsonlines import JsonLines, SearchDirectoryError
from mmpanonas.space import Arch


class Cache:
    """Metrics by architecture; searches that run at the same time see each other's.

    Args:
        folder: holds one file for each ``context``, named by its digest.
        context: everything besides the architecture that metrics depend on, as plain data.

    Raises:
        SearchDirectoryError: the folder cannot be made.
    """

    def __init__(self, folder: str | os.PathLike, context: dict) -> None:
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
        self._read = 0

    def get(self, arch: Arch) -> dict[str, float] | None:
        """The metrics of ``arch`` if any search has evaluated it by now."""
        lines, self._read = self._lines.read_from(self._read)
        self._known |= {Arch.from_dict(line["arch"]): line["metrics"] for line in lines}
        return self._known.get(arch)

    def put(self, arch: Arch, metrics: dict[str, float]) -> None:
        """Share the metrics of ``arch``."""
        self._lines.append(dict(arch=arch.to_dict(), metrics=metrics))
