"""The operation that docs/space.md adds: the page's changes are made to a copy, which then runs."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.docs.page import Page


def test_the_pages_operation_works_from_space_to_drawing(tmp_path):
    if not shutil.which("git"):
        pytest.skip("git is absent: the page's changes cannot be made")
    shutil.copytree(
        ROOT / "mmpanonas", tmp_path / "mmpanonas", ignore=shutil.ignore_patterns("__pycache__")
    )
    page = Page.read(ROOT / "docs/space.md")
    diffs = [block.text for block in page.blocks if block.language == "diff"]
    assert len(diffs) == 4
    for diff in diffs:
        apply = ["git", "apply", "-p1", "-"]
        done = subprocess.run(apply, input=diff, cwd=tmp_path, text=True, capture_output=True)
        assert done.returncode == 0, f"{done.stderr}\nof\n{diff}"
    use = ROOT / "tests/docs/new_operation.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", use, tmp_path, ROOT],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1", "PATH": ""},
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "arch.svg").is_file()
