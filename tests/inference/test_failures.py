"""What fails while pictures are segmented costs that picture; nothing that was found is lost."""

import json
import os
import shutil
import signal

import pytest
from PIL import Image

from mmpanonas.errors import InputError, StoppedError
from mmpanonas.evaluation import read_category_ids
from mmpanonas.inference import PanopticInferencer, PicturesError, list_pictures
from tests.inference.conftest import RETRAIN


@pytest.fixture
def inferencer(checkpoint, options):
    return PanopticInferencer(RETRAIN, checkpoint, "cpu", options, show_progress=False)


def fail_at(monkeypatch, owner, method: str, call: int, error: BaseException) -> None:
    real, calls = getattr(owner, method), []

    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) == call:
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, method, failing)


def written(out) -> list[int]:
    return [
        a["image_id"]
        for a in json.loads((out / "results.panoptic.json").read_text())["annotations"]
    ]


@pytest.mark.parametrize("method", ["forward", "pipeline"])
@pytest.mark.parametrize("error", [RuntimeError("out of\nmemory"), MemoryError(), AssertionError()])
def test_an_error_costs_one_picture(inferencer, shapes_root, tmp_path, monkeypatch, method, error):
    fail_at(monkeypatch, inferencer, method, 2, error)
    with pytest.raises(PicturesError, match=r"3 of 4 pictures segmented: .*val_000001") as found:
        inferencer(shapes_root / "images/val", out_dir=tmp_path, no_save_vis=True)
    assert "\n" not in str(found.value)
    assert (str(error).split() or [type(error).__name__])[0] in str(found.value)
    assert written(tmp_path) == [1, 3, 4]
    assert len(found.value.results["predictions"]) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_what_was_found(inferencer, shapes_root, tmp_path, monkeypatch, number):
    fail_at(monkeypatch, inferencer, "forward", 3, StoppedError(number))
    with pytest.raises(KeyboardInterrupt):
        inferencer(shapes_root / "images/val", out_dir=tmp_path, no_save_vis=True)
    assert written(tmp_path) == [1, 2]


def test_pipes_and_folders_between_pictures_are_named(inferencer, shapes_root, tmp_path):
    folder = shutil.copytree(shapes_root / "images/val", tmp_path / "in")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "folder.jpg").mkdir()
    with pytest.raises(PicturesError, match="4 of 6 pictures") as found:
        inferencer(folder, out_dir=tmp_path / "out", no_save_vis=True)
    assert "folder.jpg is a folder" in str(found.value)
    assert "pipe.jpg is a pipe" in str(found.value)


def test_paths_and_modes_that_cannot_be_read(tmp_path):
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    for given, words in (
        ("a" * 5000, "File name too long"),
        (tmp_path / "loop.jpg", "Too many levels"),
        ("a\0b.jpg", "null"),
        (Image.new("La", (4, 4)), "PIL cannot decode it"),
    ):
        with pytest.raises(InputError, match=words):
            list_pictures(given)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_category_ids_of_every_encoding(tmp_path, encoding):
    path = tmp_path / "a.json"
    path.write_text('{"categories": [{"id": 7, "name": "ü"}]}', encoding)
    assert read_category_ids(path, ["ü"]) == [7]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[" * 200_000, "is no annotation file"),
        ('{"categories": [{"id": "7", "name": "a"}]}', "whole numbers were expected"),
        ('{"categories": [{"id": true, "name": "a"}]}', "whole numbers were expected"),
    ],
)
def test_category_ids_that_are_none(tmp_path, content, words):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=words):
        read_category_ids(tmp_path / "a.json", ["a"])
