"""Files that repeat one another agree: versions, pins, licence, containers, CI, changelog."""

import re
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import mmpanonas
from tests.conftest import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FILES = (ROOT / "requirements.txt", ROOT / "requirements-pretrain.txt")
PINS, PRETRAIN = (set(re.findall(r"^[^#\s].*==.*$", f.read_text(), re.M)) for f in FILES)
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
DOCKERFILES = sorted(ROOT.glob("docker/*Dockerfile"))


def names(pins: set[str]) -> set[str]:
    return {pin.partition("==")[0] for pin in pins}


def test_the_version_is_the_same_everywhere():
    assert CITATION["version"] == mmpanonas.__version__
    assert "version" in PROJECT["dynamic"]
    headings = re.findall(r"^## \[(.*)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == "Unreleased"
    assert headings[1:2] in ([], [mmpanonas.__version__])


def test_extras_are_pinned_as_the_set_up_pins_them():
    for extra in PROJECT["optional-dependencies"].values():
        assert set(map(Requirement, extra)) <= set(map(Requirement, PINS | PRETRAIN))


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_every_python_has_one_pin_of_a_package(python):
    for pins in (PINS, PRETRAIN):
        asked = map(Requirement, pins)
        where = {"python_version": python}
        found = [r.name for r in asked if r.marker is None or r.marker.evaluate(where)]
        assert len(set(found)) == len(found)
        assert names(pins) - {"exceptiongroup", "tomli"} <= set(found)


def test_the_licence_is_named_alike_and_there():
    assert CITATION["license"] == PROJECT["license"] == "Apache-2.0"
    text = (ROOT / PROJECT["license-files"][0]).read_text()
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_a_container_is_set_up_by_the_same_script(path):
    text = path.read_text()
    steps = [line.split() for line in text.splitlines() if line and line[0] not in "# "]
    runs = [words for words in steps if words[0] == "RUN"]
    assert runs[-1][-1] == "tools/setup.sh"
    assert "pip install" not in text
    for words in steps:
        if words[0] in ("COPY", "ADD"):
            for source in words[1:-1]:
                assert (ROOT / source).exists(), f"{path.name} copies {source}"
    assert f"docker build -f docker/{path.name}" in text


def test_containers_get_all_that_the_set_up_reads():
    """Nothing that is tracked is left out; what is made here is."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".venv", "work_dirs", "data"} <= set(ignored)
    for name in (
        "requirements.txt",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "tools",
        "mmpanonas",
    ):
        assert not any(Path(name).match(pattern) for pattern in ignored)


def test_github_runs_what_ci_runs():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    runs = {name: [step.get("run", "") for step in job["steps"]] for name, job in jobs.items()}
    assert runs["test"] == ["", "", "", ".ci/run"]
    install, lint = runs["lint"][2:]
    (asked,) = re.findall(r"\^\((.*)\)==", install)
    assert set(asked.split("|")) <= names(PINS)
    assert " lint " in lint
    rules = (ROOT / "Makefile").read_text().partition("\nlint: setup\n")[2].partition("\n\n")[0]
    modules = set(re.findall(r"-m (\w+)", rules))
    assert {module.removesuffix("_lib") for module in modules} == set(asked.split("|"))


def test_hooks_of_a_commit_run_pinned_programs():
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    programs = {hook["entry"].split()[0] for hook in repo["hooks"]}
    assert {program.removeprefix(".venv/bin/") for program in programs} <= names(PINS)


def test_no_folder_of_the_package_is_a_corridor():
    """Fifteen files a folder at most: more are of several subjects."""
    for folder in {path.parent for path in (ROOT / "mmpanonas").rglob("*.py")}:
        assert len(list(folder.glob("*.py"))) <= 15, folder
