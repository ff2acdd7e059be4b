"""The report by its command line."""

import runpy
import sys

import pytest

from tests.conftest import ROOT
from tests.made_up_search import write_search

EVOLUTION = dict(type="Evolution", generations=2, population=6, parents=2, mutants=2, crosses=2)


@pytest.fixture
def run(monkeypatch, capsys):
    """A function that runs the tool; returns the last line that it printed."""

    def run(*args, fails: bool = False) -> str:
        tool = str(ROOT / "tools/analysis_tools/report.py")
        monkeypatch.setattr(sys, "argv", [tool, *map(str, args)])
        if not fails:
            runpy.run_path(tool, run_name="__main__")
            return capsys.readouterr().out.splitlines()[-1]
        with pytest.raises(SystemExit) as stopped:
            runpy.run_path(tool, run_name="__main__")
        assert stopped.value.code == 2
        return capsys.readouterr().err.strip()

    return run


def test_report_of_a_search_on_shapes(run, tmp_path):
    search = write_search(tmp_path / "search", EVOLUTION, blocks=(2, 2, 4, 2))
    assert run(search) == f"report: {search / 'report.html'}"
    text = (search / "report.html").read_text()
    assert text.count('<tr id="c') == 12
    assert ">960 channels<" in text

    out = tmp_path / "new/page.html"
    printed = run(search, "--out", out, "--config", "configs/auto_panoptic/shapes/retrain.py")
    assert printed == f"report: {out}"
    text = out.read_text()
    assert 'id="diagram"' in text
    assert ">960 channels<" not in text, "the widths are those of the config"


@pytest.mark.parametrize("made", ["file", "folder", "nothing"])
def test_not_a_search_directory(run, tmp_path, made):
    path = tmp_path / made
    if made == "file":
        path.touch()
    elif made == "folder":
        path.mkdir()
    line = run(path, fails=True)
    if made == "folder":
        assert line == f"error: {path} holds no results.jsonl: give the work dir of a search"
    else:
        what = "is a file, not a folder" if made == "file" else "does not exist"
        assert f"search_dir: expected a folder, got '{path}', which {what}" in line


def test_a_page_that_cannot_be_written(run, tmp_path):
    search = write_search(tmp_path / "search", EVOLUTION, stop_after=3)
    error = run(search, "--out", tmp_path, fails=True)
    assert f"--out: expected a name for a file, got '{tmp_path}', which is a folder" in error
