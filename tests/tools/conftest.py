"""The tools: their parsers, and what they said."""

import os
import re
import runpy
import shlex
import subprocess
import sys

import pytest

from mmpanonas.parser import Parser
from tests.conftest import ROOT

PROGRAMS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("tools/**/*.py", "demo/*.py", "studies/*/__main__.py")
    for path in ROOT.glob(pattern)
)

#: docs/data.md's numbers of held-out pictures, for archives of five training pictures.
SMALL = {"5000": "2", "2000": "2"}


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


def tool(script: str, *args, env: dict | None = None) -> str:
    """Run a tool as a user would; returns what it printed."""
    command = ["bash"] if script.endswith(".sh") else [sys.executable, "-W", "ignore"]
    command += [f"tools/{script}", *map(str, args)]
    path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | dict(OMP_NUM_THREADS="1", PATH=path) | (env or {}),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def commands(section: str) -> list[list[str]]:
    """The commands of the code blocks in a section of docs/data.md, as words."""
    text = (ROOT / "docs/data.md").read_text()
    (body,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    code = "".join(re.findall(r"```bash\n(.*?)```", body, re.S)).replace("\\\n", " ")
    return [shlex.split(line) for line in code.splitlines()]


@pytest.fixture
def follow(call_tool, tmp_path, monkeypatch):
    """A function that runs a section of docs/data.md in ``tmp_path``; what our tools printed."""
    monkeypatch.chdir(tmp_path)

    def follow(section: str) -> list[str]:
        printed = []
        for words in commands(section):
            words = [SMALL.get(word, word) for word in words]
            if words[1].startswith("tools/"):
                code, out, error = call_tool(*words[1:])
                assert code == 0, (words, out, error)
                printed.append(out)
            else:
                words[0] = {"python": sys.executable}.get(words[0], words[0])
                subprocess.run(words, check=True)
        return printed

    return follow
