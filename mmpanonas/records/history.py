"""Files that say what was and decide nothing: what is damaged in them is set aside."""

import json
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

from mmpanonas.records.jsonlines import JsonLines, SearchDirectoryError, writing


def read_starts(path: Path, say: Callable[[str], None]) -> list[dict]:
    """The starts that ``run.json`` tells of; a damaged one tells of none and is set aside."""
    try:
        if path.is_symlink() and not Path(os.path.realpath(path)).parent.is_dir():
            raise ValueError("a link into a folder that is gone")
        starts = json.loads(path.read_text(encoding="utf-8-sig"))["starts"]
        if not all(isinstance(start, dict) for start in starts):
            raise TypeError("its starts are no JSON objects")
        return list(starts)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        say(f"{path} is damaged ({_reason(error)}) and set aside as {_set_aside(path).name}")
        return []


def read_history(
    file: JsonLines, holds: Callable[[dict], bool], say: Callable[[str], None]
) -> list[dict]:
    """The whole lines of a file; with damaged ones it is set aside, and the others go on.

    Args:
        holds: whether a line is what the file's lines are.
    """
    problems: list[str] = []
    try:
        lines = file.lines(damaged=problems.append)[0]
    except SearchDirectoryError as error:
        lines, problems = [], [str(error)]
    good = [line.item for line in lines if holds(line.item)]
    bad = [line.number for line in lines if not holds(line.item)]
    problems += [f"{file.path}, line {number}, is none of its lines" for number in bad]
    if problems:
        say(f"{problems[0]}; it is left out, and the old file set aside: {_set_aside(file.path)}")
        file.replace(good)
    return good


def _set_aside(path: Path) -> Path:
    """Give a damaged file, or what is in its place, another name."""
    for number in count(1):
        aside = path.with_name(f"{path.name}.damaged{'' if number == 1 else f'-{number}'}")
        if not os.path.lexists(aside):
            with writing(path):
                os.rename(path, aside)
            return aside


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return str(error.strerror)
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)
