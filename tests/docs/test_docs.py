"""What the documentation says is so: links, paths, commands, options, config keys, code."""

import subprocess
import sys

import pytest

from mmpanonas.space import Arch
from tests.conftest import ROOT
from tests.docs.check import Checker
from tests.docs.configs import Configs
from tests.docs.page import Page
from tests.docs.project import Project

PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("configs/**/*.md"),
        *ROOT.glob("studies/**/*.md"),
        *ROOT.glob("benchmarks/*.md"),
    }
    - {ROOT / "CHANGELOG.md"}  # tells of what was
)


@pytest.fixture(scope="session")
def checker() -> Checker:
    """Of this project."""
    configs = [path for path in ROOT.glob("configs/**/*.py") if "_base_" not in path.parts]
    return Checker(Project(ROOT), Configs.of_files(sorted(configs)))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_says_is_so(checker, path):
    problems = checker.problems(Page.read(path))
    assert not problems, "\n".join(["", *problems])


def test_the_first_python_of_the_readme_runs_in_an_interpreter_of_its_own():
    """Without what this process has imported and set; shapes alone, which need no memory."""
    block = Page.read(ROOT / "README.md").block("python")
    code = f"import torch\nwith torch.device('meta'):\n    exec({block!r}, {{}})"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    size, choice = run.stdout.split()
    assert int(size) == 4**40 * 6**7 * 3**9
    assert choice == Arch.load("configs/auto_panoptic/archs/coco.json").backbone[0]


def test_the_python_of_the_other_pages_runs_in_a_new_interpreter(tmp_path):
    pages = sorted((ROOT / "docs").glob("*.md"))
    words = [sys.executable, ROOT / "tests/docs/run_blocks.py", ROOT, *pages]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    count = sum(b.language == "python" for page in pages for b in Page.read(page).blocks)
    kinds = [line.split()[-1] for line in run.stdout.splitlines() if ".md:" in line]
    assert len(kinds) == count
    assert set(kinds) == {"code", "config"}


def test_the_readme_leads_to_every_page():
    linked = {target.partition("#")[0] for _, target in Page.read(ROOT / "README.md").links}
    pages = {str(path.relative_to(ROOT)) for path in PAGES} | {"CHANGELOG.md"}
    assert pages - {"README.md"} <= linked
