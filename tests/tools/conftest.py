"""Running a tool in this process."""

import runpy
import sys

import pytest

from tests.conftest import ROOT


@pytest.fixture
def call_tool(monkeypatch, capsys):
    """Run a tool from the repository's root; returns (exit code, stdout, stderr)."""

    def call(tool: str, *argv: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [tool, *map(str, argv)])
        code = 0
        try:
            runpy.run_path(str(ROOT / tool), run_name="__main__")
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return call


def one_line(result: tuple[int, str, str]) -> str:
    """The message of a user's error: exit code 2, nothing on stdout, one line on stderr."""
    code, out, err = result
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in err
    return last
