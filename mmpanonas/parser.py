"""The command lines of all tools: numbers and paths have kinds, and what is wrong is one line."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NoReturn, get_args

from mmpanonas.errors import InputError
from mmpanonas.paths import PathKind
from mmpanonas.values import Threads, kind_of


class Parser(argparse.ArgumentParser):
    """A tool's command line. What is wrong with it is an ``InputError``, one line.

    So are an empty word, an option given twice, and options that contradict each other: what one
    of them says would be ignored. The rules are stated beside the arguments.
    """

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        self._rules: list[Callable[[argparse.Namespace, Collection[str]], str | None]] = []
        self._given: Counter[str] = Counter()  # by dest

    def needs(self, option: str, other: str, what: str) -> None:
        """``option`` says nothing without ``other``, which gives ``what``."""
        self._rules.append(
            lambda args, given: (
                f"{option} does nothing without {other}, {what}: give that as well"
                if _dest(option) in given and _dest(other) not in given
                else None
            )
        )

    def excludes(self, option: str, other: str, why: str) -> None:
        """Of the two options one is ignored: ``why``."""
        self._rules.append(
            lambda args, given: (
                f"{option} and {other}: {why}; give one of them"
                if {_dest(option), _dest(other)} <= set(given)
                else None
            )
        )

    def check(self, rule: Callable[[argparse.Namespace], str | None]) -> None:
        """What ``rule`` says of the arguments is wrong with them; None: nothing."""
        self._rules.append(lambda args, given: rule(args))

    def replaces(self, name: str, *keys: str, always: bool = False) -> None:
        """The argument ``name``, where it is given, is what these config keys say.

        Args:
            always: its default is as well.
        """

        def rule(args: argparse.Namespace, given: Collection[str]) -> str | None:
            if not always and _dest(name) not in given:
                return None
            written = getattr(args, "cfg_options", None) or {}
            clash = [word for word in written for key in keys if f"{word}.".startswith(f"{key}.")]
            return f"{name} takes the place of --cfg-options {clash[0]}" if clash else None

        self._rules.append(rule)

    def error(self, message: str) -> NoReturn:
        """Raise ``InputError`` instead of printing how the tool is used."""
        raise InputError(f"{message} (--help lists all options)")

    def parse_known_args(
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does, with all that a command line here must not say."""
        words = sys.argv[1:] if args is None else list(args)
        for before, word in zip(["", *words], words, strict=False):
            option, equals, value = word.partition("=") if word[:2] == "--" else (before, "=", word)
            if equals and not value.strip():
                self.error(f"{option or 'argument 1'}: expected a value, got {value!r}")
        self._given.clear()
        found, rest = super().parse_known_args(words, namespace)
        for problem in (rule(found, self._given) for rule in self._rules):
            if problem:
                self.error(problem)
        self._check_lists(found)
        self._check_written(found)
        return found, rest

    def _get_values(self, action: argparse.Action, words: list[str]) -> object:
        """Of one place where an argument stands."""
        self._given[action.dest] += 1
        if self._given[action.dest] > 1 and not getattr(action, "adds", False):
            self.error(f"{'/'.join(action.option_strings)} is given twice: give it once")
        return super()._get_values(action, words)

    def _check_lists(self, args: argparse.Namespace) -> None:
        for action in self._actions:
            values = getattr(args, action.dest, None)
            if action.choices and isinstance(values, list) and len(set(values)) < len(values):
                twice = next(value for value in values if values.count(value) > 1)
                self.error(f"{action.option_strings[0]}: {twice} is named twice")

    def _check_written(self, args: argparse.Namespace) -> None:
        """Nothing that a tool writes lies over what it reads."""
        paths = [action for action in self._actions if isinstance(action.type, PathKind)]
        read = [getattr(args, action.dest) for action in paths if not action.type.written]
        inputs = [
            path for value in read for path in ([value] if isinstance(value, str) else value or ())
        ]
        for action in paths:
            out = getattr(args, action.dest)
            if action.type.written and out and os.path.isfile(out):
                for path in inputs:
                    if os.path.exists(path) and os.path.samefile(path, out):
                        name = (action.option_strings or [action.dest])[0]
                        self.error(f"{name} would overwrite {path}, which is read: give another")


def _dest(name: str) -> str:
    return name.lstrip("-").replace("-", "_")


def of_kind(annotation: object) -> Callable[[str], int | float]:
    """An argument's ``type``: the number that a text says, of a kind of :mod:`mmpanonas.values`."""
    kind, convert = kind_of(annotation), get_args(annotation)[0]

    def read(text: str) -> int | float:
        try:
            value = convert(text)
        except ValueError:
            value = text
        if not kind.fits(value):
            raise argparse.ArgumentTypeError(f"expected {kind.words}, got {text!r}")
        return value

    return read


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Give a tool ``--workers``: threads, None for one for each core."""
    parser.add_argument(
        "--workers", type=of_kind(Threads), help="threads, 0 for none (one for each core)"
    )
