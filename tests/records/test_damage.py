"""Damaged search folders: a resumed search ends with the same answer or in one line."""

import json
import os
import shutil
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmpanonas.files import write_atomically
from mmpanonas.records import Cache, JsonLines, SearchDirectory, SearchDirectoryError
from mmpanonas.strategies import Random
from tests.execution.fake import METRIC, SPACE
from tests.execution.helpers import Faulty, files, search

FILES = ("results.jsonl", "times.jsonl", "search.json", "run.json", "strategy.json", ".lock")
DECIDE = ("results.jsonl", "search.json")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of a search of 5 candidates that has ended."""
    folder = tmp_path_factory.mktemp("whole") / "search"
    resume(folder, [])
    return folder


def resume(folder: Path, said: list[str]) -> list[bytes]:
    """Go on with the search; the files of its answer."""
    strategy = Random(SPACE, total=5)
    evaluate = Faulty({2: ValueError("once")})
    search(folder, evaluate, strategy, say=said.append, start=dict(host="x"))
    return files(folder)


def try_to_resume(folder: Path, whole: Path, said: list[str]) -> str:
    """What the error says, or "" if the answer is that of ``whole``."""
    error = ""
    try:
        answer = resume(folder, said)
    except SearchDirectoryError as problem:
        error = str(problem)
    if error:
        assert str(folder) in error
        assert "\n" not in error
    else:
        assert answer == files(whole)
    return error


def copied(whole: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(whole, folder))


def value(line: int, *keys, to: object):
    """Damage that puts ``to`` in the place of a value of a JSON line."""

    def damage(path: Path) -> None:
        lines = path.read_text().splitlines()
        item = json.loads(lines[line])
        place = item
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to
        lines[line] = json.dumps(item)
        path.write_text("\n".join(lines) + "\n")

    return damage


def without(line: int, key: str):
    def damage(path: Path) -> None:
        lines = path.read_text().splitlines()
        lines[line] = json.dumps({k: v for k, v in json.loads(lines[line]).items() if k != key})
        path.write_text("\n".join(lines) + "\n")

    return damage


def instead(content: bytes):
    return lambda path: path.write_bytes(content)


def first_twice(path: Path) -> None:
    path.write_text(path.read_text().splitlines()[0] + "\n" + path.read_text())


def middle_removed(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:1] + lines[2:]))


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "none" / path.name)


def windows(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


ALL = {
    "absent": Path.unlink,
    "empty": instead(b""),
    "cut": cut,
    "binary": instead(os.urandom(99) + b"\n\xff\xfe\x00\n"),
    "text": instead(b"oops\n"),
    "list": instead(b"[]\n"),
    "null": instead(b"null\n"),
    "nested": instead(b"[" * 100_000 + b"\n"),
    "huge": instead(b'{"index": ' + b"9" * 100_000 + b"}\n"),
    "folder": folder_instead,
    "link": link_to_nowhere,
    "windows": windows,
}
LINES = {
    "first twice": first_twice,
    "middle removed": middle_removed,
    "other space": value(1, "arch", to=dict(backbone=["xception"])),
    "unknown choice": value(1, "arch", "backbone", to=["shuffle_9x9"] * 6),
    "no list": value(1, "arch", "backbone", to=7),
    "no arch": value(1, "arch", to=None),
    "NaN": value(1, "metrics", METRIC, to=float("nan")),
    "text": value(1, "metrics", METRIC, to="12"),
    "true": value(1, "metrics", METRIC, to=True),
    "too large": value(1, "metrics", METRIC, to=10**400),
    "another score": value(1, "metrics", METRIC, to=99.0),
    "other metrics": value(1, "metrics", to=dict(other=1.0)),
    "no metrics": value(1, "metrics", to={}),
    "beyond the end": value(1, "index", to=99),
    "negative": value(1, "index", to=-1),
    "fraction": value(1, "index", to=1.5),
    "taken index": value(1, "index", to=3),
    "generation": value(1, "generation", to="first"),
    "state": value(1, "state", to="well"),
    "failed": value(1, "state", to="failed"),
    "cost": value(1, "cost", to=[1]),
    "reason": value(1, "reason", to="none"),
    "new key": value(1, "colour", to="red"),
    **{f"without {key}": without(1, key) for key in ("index", "arch", "metrics", "cost")},
}
CASES = [(file, name, damage) for name, damage in ALL.items() for file in FILES]
CASES += [("results.jsonl", name, damage) for name, damage in LINES.items()]
TIMES = dict(index="1", seconds="long", worker=1, reason=2, checksum=3, ended2=4)
CASES += [("times.jsonl", f"{k} {v!r}", value(1, k, to=v)) for k, v in TIMES.items()]
CASES += [("run.json", "starts", instead(b'{"starts": 1}')), ("run.json", "no", instead(b"{}"))]


@pytest.mark.parametrize(
    ("file", "name", "damage"), CASES, ids=lambda x: x if type(x) is str else ""
)
def test_a_damaged_folder_goes_on_to_the_same_answer_or_is_named(
    whole, tmp_path, file, name, damage
):
    folder, said = copied(whole, tmp_path / "search"), []
    damage(folder / file)
    error = try_to_resume(folder, whole, said)
    if error and file not in (".lock", "strategy.json"):
        assert file in DECIDE, error
        assert file in error
    if file in ("times.jsonl", "run.json") and name not in ("absent", "empty", "windows"):
        torn = file == "times.jsonl" and name in ("cut", "link")
        assert torn or [s for s in said if file in s and "aside" in s], "nothing was said"
        assert torn or list(folder.glob(f"{file}.damaged*"))
    if file == "results.jsonl" and name in LINES and name != "middle removed":
        assert "line" in error


@settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_any_damage_ends_in_the_same_answer_or_in_one_line(whole, tmp_path, data):
    folder = copied(whole, tmp_path / "search")
    path = folder / data.draw(st.sampled_from(("results.jsonl", *FILES[:4])))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, max(0, len(content) - 1)))
        kind = data.draw(st.sampled_from(("byte", "insert", "remove", "line twice", "number")))
        if kind == "byte" and content:
            content[place] = data.draw(st.integers(0, 255))
        elif kind == "insert":
            content[place:place] = data.draw(st.binary(max_size=5))
        elif kind == "remove":
            del content[place : place + data.draw(st.integers(1, 200))]
        elif kind == "line twice":
            lines = bytes(content).splitlines(keepends=True)
            content += data.draw(st.sampled_from(lines)) if lines else b""
        elif kind == "number":
            digits = [i for i, byte in enumerate(content) if chr(byte).isdigit()]
            if digits:
                content[data.draw(st.sampled_from(digits))] = data.draw(
                    st.sampled_from(b"0123456789")
                )
    path.write_bytes(content)
    try_to_resume(folder, whole, [])


def test_what_a_killed_run_left_is_gone_after_the_next(whole, tmp_path):
    folder = copied(whole, tmp_path / "search")
    for name in (".results.jsonl.tmp", ".run.json.tmp", ".arch.json.k3_a9x0z", ".ranking.csv.tmp"):
        (folder / name).write_text("half")
    (folder / ".mine.txt.tmp").touch()
    assert try_to_resume(folder, whole, []) == ""
    assert {path.name for path in folder.glob(".*")} == {".lock", ".mine.txt.tmp"}


def test_a_moved_folder_goes_on_from_itself(whole, tmp_path):
    there = copied(whole, tmp_path / "there")
    cut(there / "results.jsonl")
    here = tmp_path / "here"
    shutil.copytree(there, here)
    assert try_to_resume(here, whole, []) == ""
    assert (there / "results.jsonl").read_bytes() != (here / "results.jsonl").read_bytes()


def test_thousands_of_results_are_read_in_one_pass(whole, tmp_path, monkeypatch):
    """Opening reads every line a few times, never once for each other line."""
    line = json.loads((whole / "results.jsonl").read_text().splitlines()[0])
    (tmp_path / "search").mkdir()
    shutil.copy(whole / "search.json", tmp_path / "search")
    with (tmp_path / "search/results.jsonl").open("w") as file:
        file.writelines(json.dumps(line | dict(index=i)) + "\n" for i in range(3000))
    loads, calls = json.loads, []
    monkeypatch.setattr(json, "loads", lambda *a, **k: calls.append(1) or loads(*a, **k))
    directory = SearchDirectory(tmp_path / "search", dict(what="fake"), resume=True)
    assert len(directory.read()) == 3000
    directory.close()
    assert len(calls) < 4 * 3000


# The cache


def test_a_damaged_cache_is_told_and_the_search_goes_on(tmp_path):
    archs = Random(SPACE, total=4).propose(4)
    cache = Cache(tmp_path, {})
    for number, arch in enumerate(archs):
        cache.put(arch, {METRIC: float(number)})
    (file,) = tmp_path.glob("*.jsonl")
    old = json.dumps(dict(arch=archs[0].to_dict(), metrics={METRIC: 0.0}))  # without a checksum
    lines = [old, *file.read_text().splitlines()[1:]]
    lines[1] = lines[1].replace("1.0", "9.0")
    lines[2] = "oops"
    file.write_text("\n".join([*lines, '{"metrics": {}}', ""]))
    said: list[str] = []
    again = Cache(tmp_path, {}, said.append)
    assert [again.get(arch) for arch in archs] == [{METRIC: 0.0}, None, None, {METRIC: 3.0}]
    assert sorted(s.split(", line ")[1].split(":")[0] for s in said) == [
        "2, is not what was written",
        "3, is no JSON (Expecting value",
        "5, is no evaluation",
    ]
    with pytest.raises(SearchDirectoryError, match="line 3, is no JSON"):
        Cache(tmp_path, {}).get(archs[0])
    folder_instead(file)
    said.clear()
    lost = Cache(tmp_path, {}, said.append)
    assert lost.get(archs[0]) is None
    lost.put(archs[0], {METRIC: 0.0})
    assert lost.get(archs[0]) == {METRIC: 0.0}
    assert len(said) == 1
    assert "goes on without its cache" in said[0]


# Files


def test_threads_write_whole_lines(tmp_path):
    def write(thread: int) -> None:
        for number in range(20):
            JsonLines(tmp_path / "lines").append(dict(thread=thread, number=number, pad="x" * 5000))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = JsonLines(tmp_path / "lines").read()
    assert sorted((line["thread"], line["number"]) for line in lines) == [
        (thread, number) for thread in range(8) for number in range(20)
    ]


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002])
def test_new_files_obey_the_umask_and_old_ones_keep_their_mode(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "new", "a")
        JsonLines(tmp_path / "lines").append({})
        (tmp_path / "old").touch(mode=0o600)
        write_atomically(tmp_path / "old", "b")
    finally:
        os.umask(before)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert modes == dict(new=0o666 & ~umask, lines=0o666 & ~umask, old=0o600)


def test_links_stay_links(tmp_path):
    (tmp_path / "far").mkdir()
    link, target = tmp_path / "link", tmp_path / "far/target"
    link.symlink_to("far/target")
    for content in ("first", "second"):
        write_atomically(link, content)
        assert link.is_symlink()
        assert target.read_text() == content
    assert sorted(os.listdir(tmp_path)) == ["far", "link"]
    assert os.listdir(tmp_path / "far") == ["target"]


def test_threads_replace_a_file_one_after_the_other(tmp_path):
    contents = [str(n) * 100_000 for n in range(6)]
    threads = [
        threading.Thread(target=write_atomically, args=(tmp_path / "file", c)) for c in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_text() in contents
    assert os.listdir(tmp_path) == ["file"]
