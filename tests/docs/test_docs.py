"""What the documentation says is so: links, paths, commands, options, config keys, code."""

import pytest
import torch

from mmpanonas.space import Arch
from tests.conftest import ROOT
from tests.docs.check import Checker
from tests.docs.config_keys import ConfigKeys
from tests.docs.page import Page
from tests.docs.project import Project

PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("configs/**/*.md"),
        *ROOT.glob("benchmarks/*.md"),
    }
    - {ROOT / "CHANGELOG.md"}  # tells of what was
)


@pytest.fixture(scope="session")
def checker() -> Checker:
    """Of this project."""
    configs = [path for path in ROOT.glob("configs/**/*.py") if "_base_" not in path.parts]
    return Checker(Project(ROOT), ConfigKeys.of_files(sorted(configs)))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_says_is_so(checker, path):
    problems = checker.problems(Page.read(path))
    assert not problems, "\n".join(["", *problems])


def test_the_python_of_the_readme_runs(capsys):
    with torch.device("meta"):  # shapes alone: 4^40 x 6^7 x 3^9 paths need no memory
        exec(Page.read(ROOT / "README.md").block("python"), {})
    size, choice = capsys.readouterr().out.split()
    assert int(size) == 4**40 * 6**7 * 3**9
    assert choice == Arch.load("configs/auto_panoptic/archs/coco.json").backbone[0]


def test_the_readme_leads_to_every_page():
    linked = {target.partition("#")[0] for _, target in Page.read(ROOT / "README.md").links}
    pages = {str(path.relative_to(ROOT)) for path in PAGES} | {"CHANGELOG.md"}
    assert pages - {"README.md"} <= linked
