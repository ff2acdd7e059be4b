"""The tools: their parsers, and what they said."""

import runpy
import sys

import pytest

from mmpanonas.parser import Parser
from tests.conftest import ROOT

PROGRAMS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("tools/**/*.py", "demo/*.py", "studies/*/__main__.py")
    for path in ROOT.glob(pattern)
)


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
    built.value.args[0].program = request.param
    return built.value.args[0]


def one_line(result: tuple[int, str, str]) -> str:
    """The message of a user's error: exit code 2, nothing on stdout, one line on stderr."""
    code, out, err = result
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in err
    return last
