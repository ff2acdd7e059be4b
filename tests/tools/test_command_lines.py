"""Command lines of all programs: what is wrong with one is one line, before anything is done."""

import argparse

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.options import ConfigOptions
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import CHECKPOINT, CONFIG, FILE, RESUMED, PathKind
from mmpanonas.values import Pixels, Positive, PositiveInt, Probability, RayAddress, Seed
from tests.tools.conftest import one_line

#: Numbers that no option takes.
NO_NUMBERS = ["nan", "inf", "-inf", "-1", "1e400", "three", "1,2", "[1]", "0x10", "True", "None"]

#: Arguments of a kind that is none of numbers and none of paths.
NO_NUMBER = ("device", "ray_address")


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
        if action.type is None or isinstance(action.type, PathKind) or action.dest in NO_NUMBER:
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


def test_nothing_is_given_twice(parser):
    for action in parser._actions:
        if not action.option_strings or action.dest in ("help", "cfg_options"):
            continue
        value = VALUES.get(action.dest) or (list(action.choices) if action.choices else ["1"])[0]
        if action.type in (FILE, CONFIG, CHECKPOINT, RESUMED):
            value = "README.md"
        count = action.nargs if isinstance(action.nargs, int) else 1
        words = [action.option_strings[0], *[value] * count]
        assert f"{'/'.join(action.option_strings)} is given twice" in refused(parser, words * 2)


#: What the options of other kinds than numbers and names take.
VALUES = dict(device="cpu", ray_address="auto", root="docs", semantic="docs")
CFG, OTHER = "configs/auto_panoptic/shapes/search_evolution.py", "README.md"
SEARCH = ["tools/search.py", CFG, OTHER]
DEMO = ["demo/image_demo.py", "README.md", "--config", CFG, "--checkpoint", OTHER]
COMPARE = ["studies/strategies/__main__.py", CFG, OTHER, "--out", "build/x.json"]
DRAW = ["tools/analysis_tools/draw_arch.py", OTHER, "x.png"]
FLOPS = ["tools/analysis_tools/get_flops.py", CFG, "--arch", OTHER]
EXPORT = ["tools/analysis_tools/export_arch.py", "docs", "x"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*DRAW, "--cfg-options", "a=1"], "nothing without --config"),
        (["tools/analysis_tools/report.py", "docs", "--cfg-options", "a=1"], "without --config"),
        ([*FLOPS, "--cfg-options", "model.arch=a"], "--arch takes the place"),
        ([*EXPORT, "--rank", "1", "--index", "0"], "not allowed with"),
        ([*DEMO, "--ann-file", OTHER, "--no-save-pred"], "--ann-file and --no-save-pred"),
        ([*DEMO, "--no-save-vis", "--no-save-pred"], "nothing would be written"),
        ([*DEMO, "--trust-checkpoint", "--cfg-options", "trust_checkpoint=False"], "the place"),
        ([*DEMO, "--device", "cuda:99"], "device 'cuda:99' cannot be used"),
        ([*DEMO, "--device", "nonsense"], "device 'nonsense' cannot be used"),
        ([*COMPARE, "--strategies", "Random", "Random"], "--strategies: Random is named twice"),
        ([*COMPARE, "--cfg-options", "val_cfg.strategy.total=3"], "--strategies takes the place"),
        ([*COMPARE, "--cfg-options", "val_cfg.seed=3"], "--seeds takes the place"),
        ([*SEARCH, "--cfg-options", "load_from=x"], "checkpoint takes the place"),
        ([*SEARCH, "--work-dir", "a", "--cfg-options", "work_dir=b"], "--work-dir takes the place"),
        ([*SEARCH, "--work-dir", "a", "--work-dir", "b"], "--work-dir is given twice"),
        ([*SEARCH, "--launcher", "slurm"], "unrecognized arguments"),
        ([*SEARCH, "--num-workers", "2", "--cfg-options", "val_cfg.executor.workers=3"], "place"),
        ([*SEARCH, "--gpus-per-worker", "0"], "expected a number greater than 0"),
        (["tools/test.py", CFG, OTHER, "--show-num", "3"], "nothing without --show-dir"),
        (["tools/train.py", CFG, "--resume", "--cfg-options", "resume=False"], "--resume takes"),
        (["tools/train.py", CFG, "--resume", OTHER, "--from-scratch"], "give one of them"),
        (["tools/gpu_check.py", "--precision", "float32", "float32"], "float32 is named twice"),
    ],
    ids=lambda value: " ".join(value)[-40:] if isinstance(value, list) else "",
)
def test_what_would_be_ignored_is_refused(call_tool, words, said):
    assert said in one_line(call_tool(*words))


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["tools/train.py", CFG], "add --launcher pytorch"),
        (["tools/test.py", CFG, OTHER], "add --launcher pytorch"),
        (SEARCH, "start one without torchrun"),
        (["studies/ranking/__main__.py", CFG], "start one without torchrun"),
        ([*COMPARE], "start one without torchrun"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_processes_of_torchrun_that_know_nothing_of_each_other(
    call_tool, monkeypatch, words, advice
):
    for name, value in dict(WORLD_SIZE="2", RANK="1", LOCAL_RANK="1").items():
        monkeypatch.setenv(name, value)
    message = one_line(call_tool(*words))
    assert "torchrun started 2 processes" in message
    assert advice in message


RIGHT = ["auto", "local", "node1:6379", "10.0.0.1:65535", "ray://node-1.of.it:10001", "[::1]:6379"]
WRONG = ["node1", "node1:0", "node1:65536", "node1:", ":6379", "http://node1:80", "ray://node1"]


@pytest.mark.parametrize("address", [*RIGHT, *WRONG, "auto ", "a b:1", "ray:/a:1", "node1:6379\n"])
def test_addresses_of_ray(address):
    if address in RIGHT:
        assert of_kind(RayAddress)(address) == address
    else:
        with pytest.raises(argparse.ArgumentTypeError, match="expected auto, local, HOST:PORT"):
            of_kind(RayAddress)(address)


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
