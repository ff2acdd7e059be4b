"""What a search left, for those who look at it: read without changing it, damaged or not."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

from mmpanonas.records.candidates import is_count, is_number, is_try, read_arch
from mmpanonas.records.jsonlines import JsonLines, SearchDirectoryError


def read_object(path: Path) -> tuple[dict, str]:
    """A file's JSON object, and what is wrong with the file ("" if nothing is)."""
    try:
        known = json.loads(path.read_text(encoding="utf-8-sig"))
        return (known, "") if isinstance(known, dict) else ({}, "holds no JSON object")
    except FileNotFoundError:
        return {}, "is missing"
    except OSError as error:
        return {}, f"cannot be read ({error.strerror})"
    except (ValueError, RecursionError) as error:
        return {}, f"is damaged ({error})"


def read_identity(folder: Path) -> dict:
    """What was searched, of ``search.json``; nothing where there is none.

    Raises:
        SearchDirectoryError: the file is damaged.
    """
    path = folder / "search.json"
    identity, problem = read_object(path)
    if problem and problem != "is missing":
        raise SearchDirectoryError(f"{path} {problem}: restore it from a copy, or remove it")
    for key, kind, words in (
        ("metric", str, "a text"),
        ("strategy", dict, "an object"),
        ("model", dict, "an object"),
    ):
        if not isinstance(identity.get(key, kind()), kind):
            raise SearchDirectoryError(
                f"{path}: {key}: expected {words}, got {json.dumps(identity[key])[:60]}; restore "
                f"the file from a copy, or remove it"
            )
    return identity


def read_tries(folder: Path) -> tuple[list[dict], list[str]]:
    """The tries of ``times.jsonl``, and a sentence on what is damaged in it and left out."""
    file, problems = JsonLines(folder / "times.jsonl"), []
    try:
        lines = file.lines(damaged=problems.append)[0]
    except SearchDirectoryError as error:
        return [], [f"Times are left out: {error}."]
    problems += [
        f"{file.path}, line {n}, is none of its lines" for n, item in lines if not is_try(item)
    ]
    more = f", and {len(problems) - 1} more lines" if len(problems) > 1 else ""
    return [item for _, item in lines if is_try(item)], [p + more for p in problems[:1]]


def read_report(folder: Path) -> tuple[dict, str]:
    """The strategy's own reckoning (``strategy.json``), and what is wrong with it."""
    report, problem = read_object(folder / "strategy.json")
    if problem:
        return {}, "" if problem == "is missing" else problem
    try:
        if "scoreboard" in report:
            _check_scoreboard(report)
        if "front" in report:
            _check_front(report)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else error
        return {}, f"is not what a strategy wrote ({what})"
    return report, ""


def _check_scoreboard(report: Mapping) -> None:
    """Of ``PathPriority.report``."""
    _expect(is_count(report["finished_paths"]), "finished_paths")
    _expect(is_count(report["paths"]) and report["paths"] > 0, "paths")
    _expect(isinstance(report["note"], str), "note")
    _expect(bool(report["scoreboard"]), "scoreboard")
    for part, layers in report["scoreboard"].items():
        for layer, scores in enumerate(layers):
            read_arch({part: list(scores)})
            numbers = (is_number(value) and 0 <= value < math.inf for value in scores.values())
            _expect(bool(scores) and all(numbers), f"scoreboard.{part}[{layer}]")
        _expect(bool(layers), f"scoreboard.{part}")


def _check_front(report: Mapping) -> None:
    """Of ``Pareto.report``."""
    _expect(isinstance(report["cost"], str), "cost")
    for key in ("front", "candidates"):
        for place, point in enumerate(report[key]):
            numbers = [point["score"], point["cost"]]
            good = all(is_number(value) and math.isfinite(value) for value in numbers)
            _expect(good, f"{key}[{place}]")
    for point in report["front"]:
        read_arch(point["arch"])


def _expect(holds: bool, key: str) -> None:
    if not holds:
        raise ValueError(f"its {key} is none")
