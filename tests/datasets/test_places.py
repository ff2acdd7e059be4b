"""Converters try the places of their results first, and touch nothing that is not theirs."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mmpanonas.datasets.converters.ade20k import convert_ade20k
from mmpanonas.datasets.nas_split import split_nas
from mmpanonas.datasets.shapes import write_shapes
from mmpanonas.errors import InputError


@pytest.mark.parametrize("record", [b"[]", b'{"shapes": 1}', b"{", b"\xe9", b""])
def test_a_record_of_something_else_costs_no_pictures(tmp_path, record):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/mine.jpg").write_text("mine")
    (tmp_path / "shapes.json").write_bytes(record)
    with pytest.raises(FileExistsError, match="is left as it is"):
        write_shapes(tmp_path, {"train": 1}, (32, 32))
    assert (tmp_path / "images/mine.jpg").read_text() == "mine"


def test_a_record_that_is_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "shapes.json")
    with pytest.raises(InputError, match="is a pipe"):
        write_shapes(tmp_path, {"train": 1}, (32, 32))


def test_a_split_is_written_whole_or_not_at_all(shapes_root, tmp_path):
    path = tmp_path / "panoptic_train.json"
    path.write_bytes((shapes_root / "annotations/panoptic_train.json").read_bytes())
    (tmp_path / "panoptic_nas_train.json").write_text("old")
    (tmp_path / "panoptic_nas_val.json").mkdir()
    with pytest.raises(InputError, match=r"nas_val\.json': it is a folder"):
        split_nas(path, 3)
    assert (tmp_path / "panoptic_nas_train.json").read_text() == "old"
    assert not list(tmp_path.glob(".*"))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(side: int) -> bytes:
    """Whole chunks around pixels that no decoder takes."""
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", b"junk") + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture
def ade(tmp_path):
    """The smallest release: a picture a split."""
    for split in ("training", "validation"):
        for kind, array in (
            ("images", np.zeros((6, 8, 3), np.uint8)),
            ("annotations", np.ones((6, 8), np.uint8)),
            ("annotations_instance", np.zeros((6, 8, 3), np.uint8)),
        ):
            folder = tmp_path / kind / split
            folder.mkdir(parents=True)
            suffix = ".jpg" if kind == "images" else ".png"
            Image.fromarray(array).save(folder / f"a{suffix}")
    return tmp_path


@pytest.mark.parametrize(
    "place", ["ade20k_panoptic_val.json", "ade20k_panoptic_val", "ade20k_panoptic_val/x.png/"]
)
def test_places_of_the_last_split_are_tried_before_the_first_picture(ade, place):
    (ade / "ade20k_panoptic_train.json").write_text("old")
    folder = place.endswith(("json", "/"))
    (ade / place).mkdir(parents=True) if folder else (ade / place).touch()
    with pytest.raises(
        InputError, match=f"cannot write '.*{place.strip('/')}': it is a f.*; move it away"
    ):
        convert_ade20k(ade)
    assert (ade / "ade20k_panoptic_train.json").read_text() == "old"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "is a pipe"),
        (os.mkdir, "is a folder"),
        (lambda path: path.symlink_to(path.name), "cannot be read"),
        (lambda path: path.write_bytes(png(8)), "cannot be decoded"),
        (lambda path: path.write_bytes(png(30_000)), "cannot be decoded"),
    ],
)
def test_maps_that_are_none_are_named(ade, make, words):
    path = ade / "annotations/training/a.png"
    path.unlink()
    make(path)
    with pytest.raises(InputError, match=f"a.png' {words}"):
        convert_ade20k(ade)
