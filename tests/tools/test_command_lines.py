"""Command lines of all programs: what is wrong with one is one line, before anything is done."""

import argparse
import runpy
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.options import ConfigOptions, Parser, of_kind
from mmpanonas.values import Pixels, Positive, PositiveInt, Probability, Seed
from tests.conftest import ROOT

PROGRAMS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("tools", "demo")
    for path in (ROOT / folder).rglob("*.py")
)
#: Numbers that no option takes.
NO_NUMBERS = ["nan", "inf", "-inf", "-1", "1e400", "three", "1,2", "[1]", "0x10", "True", "None"]


class _BuiltError(Exception):
    """Carries the parser of a program that was about to read its command line."""


@pytest.fixture(scope="module", params=PROGRAMS)
def parser(request) -> Parser:
    """A program's parser, as the program builds it."""

    def stop(self: Parser, args=None, namespace=None) -> None:
        raise _BuiltError(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(sys, "argv", [request.param])
        patch.setattr(Parser, "parse_known_args", stop)
        with pytest.raises(_BuiltError) as built:
            # By its main: run as a program, it would turn what is raised into a line.
            runpy.run_path(request.param)["main"]()
    return built.value.args[0]


def words_of(action: argparse.Action, value: str) -> list[str]:
    """A command line's words that give an option the value."""
    count = action.nargs if isinstance(action.nargs, int) else 1
    return [*action.option_strings[:1], *[value] * count]


def values(parser: Parser) -> list[argparse.Action]:
    """What takes a value."""
    return [
        action
        for action in parser._actions
        if action.nargs != 0 and not isinstance(action, ConfigOptions)
    ]


def refused(parser: Parser, words: list[str]) -> str:
    """The one line that refuses a command line; whatever it lacks otherwise is not asked for."""
    required = [action for action in parser._actions if action.required]
    for action in required:
        action.required = False
        if not action.option_strings:
            action.nargs = "?"
    try:
        with pytest.raises(InputError) as error:
            parser.parse_args(words)
    finally:
        for action in required:
            action.required = True
            if not action.option_strings:
                action.nargs = None
    assert "\n" not in str(error.value)
    return str(error.value)


def test_no_number_is_taken_as_it_comes(parser):
    """Each has a kind, with words for what is expected and a range."""
    assert not [action.dest for action in parser._actions if action.type in (int, float)]


def test_numbers(parser):
    for action in values(parser):
        if action.type in (None, Path):
            continue
        for number in NO_NUMBERS:
            message = refused(parser, words_of(action, number))
            if number[0] != "-":  # argparse takes those for options
                assert action.option_strings[0] in message
                assert "expected a" in message
                assert repr(number) in message


def test_choices(parser):
    for action in values(parser):
        if action.choices:
            assert action.option_strings[0] in refused(parser, words_of(action, "nonsense"))


@pytest.mark.parametrize("empty", ["", " ", "\t"])
def test_empty_words(parser, empty):
    for action in values(parser):
        message = refused(parser, words_of(action, empty))
        assert "expected a value" in message
        if action.option_strings:
            assert action.option_strings[0] in message
            with_equals = refused(parser, [f"{action.option_strings[0]}={empty}"])
            assert action.option_strings[0] in with_equals


def test_unknown_options_and_too_many_words(parser):
    assert "--nonsense" in refused(parser, ["--nonsense"])
    if not any(action.nargs == "+" and not action.option_strings for action in parser._actions):
        assert "word" in refused(parser, ["word"] * 9)


def test_missing_values(parser):
    for action in values(parser):
        if action.option_strings and action.nargs != "?":
            message = refused(parser, [action.option_strings[0]])
            assert action.option_strings[0] in message


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        (PositiveInt, 1, float("inf")),
        (Seed, 0, 2**32 - 1),
        (Pixels, 1, 65_535),
        (Probability, 0, 1),
    ],
)
@given(
    number=st.one_of(
        st.integers(-(2**40), 2**40), st.floats(), st.sampled_from([0, 1, 65_535, 2**32])
    )
)
@example(number=1.5)
@example(number=-0.0)
def test_numbers_in_range_are_taken_and_no_others(kind, low, high, number):
    whole = kind is not Probability
    text = f"{number}"
    right = (isinstance(number, int) or not whole) and low <= number <= high
    if right:
        assert of_kind(kind)(text) == number
    else:
        with pytest.raises(argparse.ArgumentTypeError, match="expected"):
            of_kind(kind)(text)


@given(text=st.text(max_size=8))
def test_any_text_is_a_number_or_refused(text):
    try:
        value = of_kind(Positive)(text)
    except argparse.ArgumentTypeError as error:
        value, message = None, str(error)
    assert repr(text) in message if value is None else 0 < value < float("inf")
