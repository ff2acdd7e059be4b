"""Damaged search folders as tools read them: the same data, a remark, or one line."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from mmpanonas.errors import InputError
from mmpanonas.records import SearchData, read_search
from mmpanonas.visualization import write_report
from mmpanonas.visualization.report import pictures
from mmpanonas.visualization.report.page import Picture
from tests.made_up_search import write_search
from tests.records.test_damage import copied, cut, first_twice, folder_instead, instead, value

EVOLUTION = dict(type="Evolution", generations=2, population=4, parents=2, mutants=1, crosses=1)
PQ = "coco_panoptic/PQ"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of a search that has ended, with a failure."""
    folder = tmp_path_factory.mktemp("whole") / "search"
    return write_search(folder, EVOLUTION, failed=1, blocks=(1, 1, 2, 1))


@pytest.fixture
def page(monkeypatch, tmp_path):
    """A function that writes the report of what was read; drawings, which take long, are empty."""

    def empty(name: str, label: str, /, *_, **__) -> Picture:
        return Picture(name, label, Markup(""))

    monkeypatch.setattr(pictures, "picture", empty)

    def page(data: SearchData) -> str:
        write_report(data, tmp_path / "report.html")
        return (tmp_path / "report.html").read_text()

    return page


def read(folder: Path, whole: Path, page) -> str:
    """What the one error says; "" where the candidates are those of ``whole``."""
    try:
        data = read_search(folder)
    except InputError as error:
        lines = str(error).splitlines()
        return lines[0] if len(lines) == 1 else pytest.fail(f"several lines: {lines}")
    page(data)
    assert data.candidates == read_search(whole).candidates
    assert all(len(remark.splitlines()) == 1 for remark in data.remarks)
    return ""


def other_encoding(path: Path) -> None:
    path.write_bytes(path.read_bytes().decode().encode("utf-16"))


def half_a_letter(path: Path) -> None:
    path.write_bytes(b"\xe2\x82" + path.read_bytes())


def twice(path: Path) -> None:
    path.write_bytes(path.read_bytes() * 2)


def last_of_another(path: Path) -> None:
    """A line of another search of the same space in the place of one of its own."""
    lines = path.read_text().splitlines()
    first, second = (json.loads(line) for line in lines[:2])
    lines[0] = json.dumps(second | dict(index=first["index"]))
    path.write_text("\n".join([*lines, ""]))


FILES = ("results.jsonl", "times.jsonl", "search.json", "run.json", "arch.json", "ranking.csv")
DAMAGE = (
    Path.unlink,
    folder_instead,
    cut,
    other_encoding,
    half_a_letter,
    twice,
    instead(b"\0" * 9),
)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [*DAMAGE, instead(b"\0" * 9)])
def test_a_damaged_file_is_named_or_told(whole, tmp_path, page, name, damage):
    folder = copied(whole, tmp_path / "search")
    damage(folder / name)
    if name == "results.jsonl" and damage is cut:  # a whole line may go with it: nobody can tell
        with pytest.raises(AssertionError):
            read(folder, whole, page)
        return
    error = read(folder, whole, page)
    if name == "results.jsonl":
        assert name in error
    elif error:
        assert name == "search.json"
        assert name in error


@pytest.mark.parametrize(
    "damage",
    [
        first_twice,
        last_of_another,
        value(1, "metrics", PQ, to=99.0),
        value(1, "metrics", PQ, to=float("nan")),
        value(1, "metrics", PQ, to=float("inf")),
        value(1, "index", to=-1),
        value(1, "arch", "backbone", to=["shuffle_9x9"] * 5),
        value(1, "cost", to={}),
        value(1, "generation", to=7),
    ],
)
def test_a_changed_result_is_no_result(whole, tmp_path, page, damage):
    folder = copied(whole, tmp_path / "search")
    damage(folder / "results.jsonl")
    assert "results.jsonl, line" in read(folder, whole, page)


def test_results_without_checksums_are_read(whole, tmp_path, page):
    """Those of an earlier version, or a results file alone."""
    folder = copied(whole, tmp_path / "search")
    (folder / "times.jsonl").unlink()
    assert read(folder, whole, page) == ""


ODD = st.sampled_from(
    [None, True, -1, 0.5, float("nan"), float("inf"), 10**400, "", "\ud800", "<\u2028\n\0", [], {}]
) | st.sampled_from([[1], [[]], {"a": 1}, {"type": 3}, "9" * 5000])


def places(node: object, at: tuple = ()) -> list[tuple]:
    """The way to each value of a JSON file."""
    inner = dict(enumerate(node)) if isinstance(node, list) else node
    below = inner.items() if isinstance(inner, dict) else ()
    return [at, *(place for key, child in below for place in places(child, (*at, key)))]


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_no_value_of_what_decides_nothing_breaks_the_report(whole, tmp_path, page, data):
    folder = tmp_path / "search"
    if not folder.exists():
        shutil.copytree(whole, folder)
    name = data.draw(st.sampled_from(("run.json", "search.json", "strategy.json")))
    content = json.loads((whole / name).read_text()) if (whole / name).exists() else {}
    *way, last = (0, *data.draw(st.sampled_from(places(content))))
    node = root = [content]
    for key in way:
        node = node[key]
    node[last] = data.draw(ODD)
    (folder / name).write_text(json.dumps(root[0]))
    error = read(folder, whole, page)
    assert not error or name == "search.json", error
    for file in ("run.json", "search.json"):
        shutil.copy(whole / file, folder)


@pytest.mark.parametrize("blocks", [{}, "many", 3, [1, "x"], [-1], True])
def test_a_diagram_needs_widths(whole, tmp_path, page, blocks):
    folder = copied(whole, tmp_path / "search")
    identity = json.loads((folder / "search.json").read_text())
    identity["model"]["backbone"]["blocks"] = blocks
    (folder / "search.json").write_text(json.dumps(identity))
    assert "No diagram: search.json does not give the widths" in page(read_search(folder))
