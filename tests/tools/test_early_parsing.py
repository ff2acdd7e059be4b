"""Programs read their command lines before they import what takes seconds."""

import json
import subprocess
import sys

from mmpanonas.convert.released import KINDS
from tests.conftest import ROOT
from tests.tools.conftest import PROGRAMS

#: Runs each program up to its command line; prints those after which PyTorch was imported.
RUN = """
import contextlib, io, json, runpy, sys
slow, codes = [], set()
for program in sys.argv[1:]:
    for words in (["--nonsense"], ["--help"]):
        sys.argv = [program, *words]
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                runpy.run_path(program, run_name="__main__")
        except SystemExit as stop:
            codes.add((words[0], stop.code or 0))
        if "torch" in sys.modules:
            print(json.dumps([program, sorted(codes)]))
            sys.exit()
print(json.dumps(["", sorted(codes)]))
"""


def test_a_command_line_is_answered_before_pytorch_is_imported():
    command = [sys.executable, "-W", "ignore", "-c", RUN, *PROGRAMS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    slow, codes = json.loads(done.stdout)
    assert slow == "", "imports PyTorch before it has read its command line"
    assert codes == [["--help", 0], ["--nonsense", 2]]


def test_the_converter_names_the_kinds_that_there_are(call_tool):
    _, out, _ = call_tool("tools/model_converters/autopanoptic_to_mmdet.py", "--help")
    assert "{" + ",".join(KINDS) + "}" in out
