"""Every path argument of every program, given what cannot be read or written there: one line."""

import argparse
import json
import os
from pathlib import Path

import pytest
import torch

from mmpanonas.parser import Parser
from mmpanonas.paths import (
    FOLDER,
    NEW_FILE,
    NEW_FILE_HERE,
    NEW_FOLDER,
    PICTURES,
    PREFIX,
    SEARCH,
    PathKind,
)
from tests.conftest import SHAPES, shapes_arch
from tests.made_up_search import write_search
from tests.tools.conftest import one_line

STUDY = "studies/ranking/configs/shapes.py"
ANYWHERE = {"new\nline", "zero\0byte", "\x1b[31mred", "n" * 300, "file/below", "circle"}
BAD = {
    FOLDER: {"none", "file", "pipe", "dangling", *ANYWHERE},
    SEARCH: {"none", "pipe", "dangling", *ANYWHERE},
    PICTURES: {"none", "pipe", "dangling", *ANYWHERE},
    NEW_FILE_HERE: {"folder", "new/", "pipe", "none/new", *ANYWHERE},
    NEW_FILE: {"folder", "new/", "pipe", *ANYWHERE},
    NEW_FOLDER: {"file", "pipe", *ANYWHERE},
    PREFIX: {"folder/", *ANYWHERE - {"circle", "n" * 300}},
}
#: Of all that are read.
BAD_FILE = {"none", "folder", "pipe", "dangling", *ANYWHERE}
CONTENTS = (b"", bytes(range(256)), b"[" * 9999, b"null", b"[]", b'{"a": [}', b"\xff\xfe[\0]\0")


@pytest.fixture(scope="module")
def bad(tmp_path_factory) -> Path:
    """A folder of what is neither a file nor a folder to work with."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "file").write_text("text")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "circle").symlink_to(folder / "circle")
    return folder


@pytest.fixture(scope="module")
def right(tmp_path_factory, shapes_root) -> dict[str, object]:
    """What each argument may be, by its name; a program's own by that of the program's too."""
    folder = tmp_path_factory.mktemp("right")
    search = write_search(folder / "search", dict(type="Random", total=4))
    shapes_arch().dump(folder / "arch.json")
    torch.save({}, folder / "some.pth")
    (folder / "scores.csv").write_text("index,score\n0,1\n1,2\n2,3\n")
    (folder / "job.json").write_text(json.dumps(dict(job="a", kind="search")))
    (folder / "labels.json").write_text('{"3": "water"}')
    names = dict(
        config=SHAPES / "supernet.py",
        data_root=shapes_root,
        device="cpu",
        checkpoint=folder / "some.pth",
        resume=folder / "some.pth",
        pictures=shapes_root / "images/val",
        search_dir=search,
        search=search,
        stand_alone=folder / "scores.csv",
        ann_file=shapes_root / "annotations/panoptic_val.json",
        img_dir=shapes_root / "images/val",
        seg_dir=shapes_root / "annotations/panoptic_val",
        arch=folder / "arch.json",
        src=folder / "some.pth",
        dst=folder / "ours.pth",
        kind="detector",
        num_val=1,
        work_dir=folder / "work",
        out_dir=folder / "out",
        root=folder,
        out=folder / "out.png",
        job=folder / "job.json",
        folder=shapes_root / "images/val",
        semantic=shapes_root / "annotations/panoptic_val",
        instances=shapes_root / "annotations/panoptic_val",
        labels=folder / "labels.json",
    )
    searches = {f"config of {tool}.py": SHAPES / "search_evolution.py" for tool in SEARCHES}
    return names | searches | {"config of studies/ranking/__main__.py": STUDY}


#: Options that are not left alone, since they lead away or need each other.
ALWAYS = ("work_dir", "out_dir", "device", "semantic", "labels")
SEARCHES = ("tools/search", "studies/strategies/__main__", "tools/gpu_check")


def command(
    parser: Parser, right: dict, given: argparse.Action | None = None, value: object = None
) -> list[object]:
    """A right command line on the small data, but for one argument."""
    words = []
    for action in parser._actions:
        if action is given or action.required or action.dest in ALWAYS:
            own = right.get(f"{action.dest} of {parser.program}", right.get(action.dest))
            words += [*action.option_strings[:1], value if action is given else own]
    options = [action for action in parser._actions if action.dest == "cfg_options"]
    if options and any(str(word).endswith(".py") for word in words):
        words += ["--cfg-options", f"data_root={right['data_root']}"]
    return words


def paths(parser: Parser) -> list[argparse.Action]:
    return [action for action in parser._actions if isinstance(action.type, PathKind)]


def test_every_path_has_a_kind(parser):
    """What else is text has choices, or is none of a path."""
    texts = {a.dest for a in parser._actions if a.type is None and a.nargs != 0 and not a.choices}
    assert texts <= {"cfg_options", "title", "metric", "stuff", "ignore", "attribute"}


def test_what_lies_there_or_does_not(parser, bad, right, call_tool):
    for action in paths(parser):
        for name in BAD.get(action.type, BAD_FILE):
            path = f"{bad}/{name}"
            if "\0" in name:  # none that a shell could give
                with pytest.raises(argparse.ArgumentTypeError, match="holds control characters"):
                    action.type(path)
                continue
            line = one_line(call_tool(parser.program, *command(parser, right, action, path)))
            assert f"argument {'/'.join(action.option_strings) or action.dest}: expected" in line
            assert repr(path) in line


def test_what_a_file_holds(parser, right, call_tool, tmp_path):
    for action in paths(parser):
        if action.type.written or action.type in (FOLDER, PICTURES, SEARCH):
            continue
        suffix = Path(right[action.dest]).suffix
        few = 2 if suffix in (".py", ".pth") else len(CONTENTS)  # the data set is read each time
        for number, content in enumerate(CONTENTS[:few]):
            path = tmp_path / f"{action.dest}_{number}{suffix}"
            path.write_bytes(content)
            line = one_line(call_tool(parser.program, *command(parser, right, action, path)))
            assert path.name in line, (content, line)


def test_what_is_written_never_replaces_what_is_read(parser, right, call_tool, tmp_path):
    written = [action for action in paths(parser) if action.type in (NEW_FILE, NEW_FILE_HERE)]
    read = [a for a in paths(parser) if not a.type.written and a.type not in (FOLDER, SEARCH)]
    for out in written:
        for action in read:
            path = tmp_path / Path(right[action.dest]).name
            path.write_bytes(b"mine")
            words = command(parser, right | {out.dest: path}, action, path)
            if not out.required:
                words = [out.option_strings[0], path, *words]
            line = one_line(call_tool(parser.program, *words))
            assert f"would overwrite {path}" in line
            assert path.read_bytes() == b"mine"
