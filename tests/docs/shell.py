"""Commands of a shell block, and what a tool's own parser says of its arguments."""

import re
import runpy
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import cache
from itertools import dropwhile
from pathlib import Path
from unittest import mock

from mmpanonas.paths import PathKind

_ASSIGNMENT = re.compile(r"(\w+)=(.*)", re.S)
_SEPARATORS = re.compile(r"[;&|()<>]+")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*")


def commands(script: str) -> Iterator[tuple[int, list[str]]]:
    """Line (from 0) and words of every command; ``$NAME`` is filled in where the script says it.

    Assignments before a command, comments and what stands after ``<`` or ``>`` are left out.
    """
    variables: dict[str, str] = {}
    pending, first = "", 0
    for line, text in enumerate(script.splitlines()):
        first = first if pending else line
        pending += text
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        for words in _split(pending):
            filled = [_fill_in(word, variables) for word in words]
            command = list(dropwhile(_ASSIGNMENT.fullmatch, filled))
            if command:
                yield first, command
            else:
                variables |= [_ASSIGNMENT.fullmatch(word).groups() for word in filled]
        pending = ""


def _split(line: str) -> Iterator[list[str]]:
    """The words between separators; what follows ``<`` or ``>`` is dropped."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words, redirected = [], False
    for word in lexer:
        if _SEPARATORS.fullmatch(word):
            if not redirected:
                yield words
            words, redirected = [], bool(set(word) & set("<>"))
        else:
            words.append(word)
    if not redirected:
        yield words


def _fill_in(word: str, variables: dict[str, str]) -> str:
    def value(match: re.Match) -> str:
        return variables.get(match[1], match[1].upper())  # unknown: a placeholder

    return re.sub(r"\$\{?(\w+)\}?", value, word)


class UsageError(ValueError):
    """A command line that its tool would refuse."""


class _Caught(BaseException):
    """Ends a tool as soon as it parses its arguments."""


@cache
def parser_of(script: Path) -> ArgumentParser:
    """The parser of a tool, which is run in this process up to where it parses.

    Raises:
        UsageError: it takes none.
    """

    def catch(parser: ArgumentParser, *_: object) -> None:
        raise _Caught(parser)

    with (
        mock.patch.object(ArgumentParser, "parse_known_args", catch),
        mock.patch.object(sys, "argv", [str(script)]),
        mock.patch.object(sys, "path", [str(script.parent), *sys.path]),
    ):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except _Caught as caught:
            return caught.args[0]
    raise UsageError("it parses no arguments")


def parse(script: Path, words: list[str]) -> Namespace | None:
    """What a tool makes of its arguments; None if they ask for its help alone.

    A word in capitals stands for any value, a number included. Paths need not be there.

    Raises:
        UsageError: it would refuse them.
    """
    if {"-h", "--help"} & set(words):
        return None

    def refuse(message: str) -> None:
        raise UsageError(message)

    parser = parser_of(script)
    there = mock.patch.object(PathKind, "__call__", lambda kind, text: text)
    with mock.patch.object(parser, "error", refuse), there:
        return parser.parse_args(["1" if _PLACEHOLDER.fullmatch(word) else word for word in words])


def forwarded(script: Path, words: list[str]) -> tuple[Path, list[str]] | None:
    """The tool that a launcher starts and its arguments; None if it starts none.

    Its last command names the tool, by a path or for another launcher; ``"$3"``, or a name that
    is set to that, is an argument of the launcher's own, and ``"${@:4}"`` the rest.

    Raises:
        UsageError: too few arguments, or ``GPUS`` is no number.
    """
    lines = script.read_text().replace("\\\n", " ").splitlines()
    command = next(
        (line for line in reversed(lines) if re.search(r"\.py\b.*\$\{@:\d+\}", line)), None
    )
    if command is None:
        return None
    first, own = _own_arguments(lines), int(re.search(r"\$\{@:(\d+)\}", command)[1]) - 1
    if len(words) < own:
        raise UsageError(f"expected {own} arguments before options, got {len(words)}")
    given = {f"${number}": word for number, word in enumerate(words[:own], 1)}
    given |= {f"${name}": given[number] for name, number in first.items() if number in given}
    count = given.get("$GPUS", "1")
    if not (count.isdigit() or _PLACEHOLDER.fullmatch(count)):
        raise UsageError(f"expected a number of processes, got {count!r}")
    parts = shlex.split(command)
    place = next(place for place, part in enumerate(parts) if part.endswith(".py"))
    tool = script.parent / parts[place].rpartition("/")[2]
    filled = [given.get(part, part) for part in parts[place + 1 :] if "${@:" not in part]
    return tool, [*filled, *words[own:]]


def _own_arguments(lines: list[str]) -> dict[str, str]:
    """Names that a script sets to its arguments: ``CONFIG=$1``."""
    found = (re.fullmatch(r"(\w+)=(\$\d)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}
