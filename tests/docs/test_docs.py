"""What the documentation says is so: links, paths, commands, options, config keys, code."""

import pytest
from mmengine.config import Config

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
    keys = ConfigKeys(Config.fromfile(path).to_dict() for path in sorted(configs))
    return Checker(Project(ROOT), keys)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_says_is_so(checker, path):
    problems = checker.problems(Page.read(path))
    assert not problems, "\n".join(["", *problems])
