"""The check decodes as a pipeline does, compares boxes with pixels, and is made once."""

import io
import json
import os
import shutil
import struct
import threading
import time
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmcv.transforms import LoadImageFromFile
from PIL import Image

from mmpanonas.config import check_data, load_config
from mmpanonas.datasets import stamps
from mmpanonas.datasets.check import find_problems
from mmpanonas.datasets.loading import LoadPanopticSegments
from mmpanonas.datasets.pictures import load_size, picture_size
from mmpanonas.errors import InputError
from mmpanonas.panoptic.boxes import stopping_difference
from mmpanonas.panoptic.png import decode_panoptic_png, write_panoptic_png

PIXELS = np.arange(6 * 10 * 3, dtype=np.uint8).reshape(6, 10, 3)


def encoded(kind, array=PIXELS, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


ASCII_TAG = b"Exif\0\0II*\0\x08\0\0\0" + b"\1\0\x12\1\2\0\2\0\0\0" + b"6\0\0\0" + b"\0\0\0\0"
FORMATS = {
    "jpeg": encoded("JPEG"),
    "jpeg, turned": encoded("JPEG", exif=orientation(6)),
    "jpeg, tag as text": encoded("JPEG", exif=ASCII_TAG),
    "jpeg and a film": encoded("JPEG") + b"\0" * 9000,
    "jpeg, cut": encoded("JPEG")[:-2],
    "jpeg, cmyk": (lambda b: (Image.new("CMYK", (10, 6)).save(b, "JPEG"), b.getvalue())[1])(
        io.BytesIO()
    ),
    "mpo, turned": encoded(
        "MPO", exif=orientation(8), save_all=True, append_images=[Image.fromarray(PIXELS)]
    ),
    "png": encoded("PNG"),
    "png, turned": encoded("PNG", exif=orientation(6)),
    "png, 16 bit": encoded("PNG", PIXELS[..., 0].astype(np.uint16) * 256),
    "png, gray and alpha": encoded("PNG", PIXELS[..., :2].copy()),
    "png, cut": encoded("PNG")[:-12],
    "gif": encoded("GIF"),
    "webp, tag": encoded("WEBP", exif=orientation(6)),
    "tiff, turned": encoded("TIFF", exif=orientation(6)),
    "bmp": encoded("BMP"),
    "ico": encoded("ICO"),
    "tga": encoded("TGA"),
    "text": b"no picture",
    "empty": b"",
}


def loaded_size(path):
    """What the pipeline's step itself gives, None where it raises."""
    try:
        return LoadImageFromFile().transform({"img_path": str(path)})["img"].shape[1::-1]
    except Exception:
        return None


def checked_size(function, path):
    try:
        return function(path)
    except InputError as error:
        return None if "\n" not in str(error) else "several lines"


@pytest.mark.parametrize("name", FORMATS)
def test_sizes_and_verdicts_are_the_loaders(name, tmp_path):
    path = tmp_path / "picture.any"
    path.write_bytes(FORMATS[name])
    expected = loaded_size(path)
    assert checked_size(load_size, path) == checked_size(picture_size, path) == expected
    readable = name.split(",")[-1] != " cut" and name not in ("ico", "tga", "text", "empty")
    assert (expected is not None) == readable


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    name=st.sampled_from(sorted(FORMATS)),
    changes=st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), max_size=3),
    keep=st.integers(0, 3000),
)
def test_damaged_pictures_and_pngs_load_or_are_refused(name, changes, keep, tmp_path):
    data = bytearray(FORMATS[name])
    for place, piece in changes:
        data[place : place + len(piece)] = piece
    path = tmp_path / "picture.any"
    path.write_bytes(data[:keep])
    assert checked_size(load_size, path) == loaded_size(path)
    try:
        ids = decode_panoptic_png(path.read_bytes())
    except InputError:
        return
    assert ids.ndim == 2


def test_a_huge_picture_has_its_size(tmp_path, recwarn):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    path = tmp_path / "huge.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b""))
    assert picture_size(path) == (20_000, 20_000)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("bbox", "name"),
    [
        ([10, 20, 40, 60], "x1 y1 x2 y2"),
        ([20, 10, 40, 30], "y x height width"),
        ([25, 40, 30, 40], "centre x, centre y, width, height"),
        ([0.1, 0.25, 0.3, 0.5], "fractions of the picture"),
        ([0.1, 0.25, 0.4, 0.75], "x1 y1 x2 y2 as fractions of the picture"),
        ([0, 0, 0, 0], ""),
        ([10, 35, 30, 40], ""),
    ],
)
def test_boxes_that_mean_something_else(bbox, name):
    segment = {"id": 1, "area": 900, "bbox": bbox}
    found = stopping_difference(segment, 900, [10, 20, 30, 40], (100, 80), is_instance=True)
    assert ("which looks like" in found) == bool(name)
    assert name in found
    assert "[10, 20, 30, 40]" in found
    assert found != stopping_difference(segment, 900, bbox, (100, 80), is_instance=True)


def test_boxes_and_areas_that_are_off_a_little_pass():
    for bbox in ([10, 20, 30, 40], [9, 19, 32, 42], [9.5, 20.25, 31, 39.1]):
        segment = {"id": 1, "area": 870.5, "bbox": bbox}
        assert stopping_difference(segment, 900, [10, 20, 30, 40], (100, 80), True) is None
    stuff = {"id": 1, "area": 10, "bbox": [10, 20, 40, 60]}
    assert stopping_difference(stuff, 900, [10, 20, 30, 40], (100, 80), False) is None
    for area, part in ((0, "makes it void"), (0.5, "makes it void"), (90_000, "has 900 pixels")):
        segment = {"id": 1, "area": area, "bbox": [10, 20, 30, 40]}
        assert part in stopping_difference(segment, 900, [10, 20, 30, 40], (100, 80), True)


@pytest.fixture
def data(shapes_root, tmp_path):
    return shutil.copytree(shapes_root, tmp_path / "copy")


def problems(root, split="val"):
    ann_file = root / f"annotations/panoptic_{split}.json"
    return find_problems(ann_file, root / "images" / split, ann_file.with_suffix("")).problems


def test_what_is_no_file_is_named_and_nothing_hangs(data):
    pictures = sorted((data / "images/val").iterdir())
    pngs = sorted((data / "annotations/panoptic_val").iterdir())
    for path in (*pictures, *pngs):
        path.unlink()
    os.mkfifo(pictures[0])
    pictures[1].mkdir()
    pictures[2].symlink_to(pictures[2].name)
    pngs[0].with_name("VAL_000000.png").touch()
    os.mkfifo(pngs[1])
    found = problems(data)
    expected = [
        "is a pipe",
        "'VAL_000000.png' does: names must",
        "is a folder",
        "is a pipe",
        "Too m",
    ]
    assert len(found) == 6
    for line, part in zip(found, expected, strict=False):
        assert part in line


@pytest.mark.parametrize("kind", ["gray", "palette", "16 bit", "alpha"])
def test_pngs_are_taken_as_the_loader_takes_them(data, kind):
    png = data / "annotations/panoptic_val/val_000000.png"
    image = Image.open(png)
    rgb = np.asarray(image)
    if kind == "16 bit":
        cv2.imwrite(str(png), rgb[..., 0].astype(np.uint16))
    else:
        mode = {"gray": "L", "palette": "P", "alpha": "RGBA"}.get(kind, "RGB")
        image.convert(mode).save(png, "PNG")
    content = json.loads((data / "annotations/panoptic_val.json").read_text())
    sample = {
        "seg_map_path": str(png),
        "img_path": "",
        "height": 64,
        "width": 80,
        "instances": [],
        "segments_info": [
            {"id": s["id"], "category": 0, "is_thing": False}
            for s in content["annotations"][0]["segments_info"]
        ],
    }
    try:
        LoadPanopticSegments(with_bbox=False, with_label=False).transform(sample)
        loads = True
    except InputError:
        loads = False
    found = problems(data)
    assert loads != any("holds the ids" in line for line in found)
    # Of 16 bits, the decoder keeps the upper eight: all is void, and no listed segment is there.
    assert (loads, bool(found)) == {"alpha": (True, False), "16 bit": (True, True)}.get(
        kind, (False, True)
    )


CONFIG = "configs/auto_panoptic/custom/supernet.py"


def checked(root, **options):
    cfg = load_config(CONFIG, {"data_root": str(root), **options})
    check_data(cfg, ("train_dataloader", "val_dataloader"))


@pytest.fixture
def whole(data):
    for part in ("nas_train", "nas_val"):
        shutil.copy(
            data / "annotations/panoptic_train.json", data / f"annotations/panoptic_{part}.json"
        )
    return data


def test_a_picture_too_long_for_the_resize(whole):
    for name in ("nas_train", "nas_val"):
        path = whole / f"annotations/panoptic_{name}.json"
        content = json.loads(path.read_text())
        image, annotation = content["images"][0], content["annotations"][0]
        image.update(width=2000, height=2, file_name="long.png")
        annotation.update(file_name="long.png")
        ids = np.zeros((2, 2000), int)
        segment = annotation["segments_info"][0]
        ids[:, :90] = segment["id"]
        segment.update(area=180, bbox=[0, 0, 90, 2])
        annotation["segments_info"] = [segment]
        path.write_text(json.dumps(content))
    cv2.imwrite(str(whole / "images/train/long.png"), np.zeros((2, 2000, 3), np.uint8))
    write_panoptic_png(whole / "annotations/panoptic_train/long.png", ids)
    with pytest.raises(InputError, match=r"'long.png' .* is 2000 x 2, and Resize to \(320, 240\)"):
        checked(whole)


def test_data_without_segments_are_for_tests_only(whole):
    path = whole / "annotations/panoptic_nas_val.json"
    content = json.loads(path.read_text())
    del content["annotations"]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"nas_val.json' has no segments"):
        checked(whole)


def test_a_stamped_set_is_not_opened_again(whole, monkeypatch):
    old = time.time() - 100
    files = [path for path in whole.rglob("*") if path.is_file()]
    for path in files:
        os.utime(path, (old, old))
    checked(whole)

    def fail(*_, **__):
        raise AssertionError("opened again")

    monkeypatch.setattr("mmpanonas.config.check.check_panoptic", fail)
    checked(whole)
    picture = next((whole / "images/train").iterdir())
    os.utime(picture)
    with pytest.raises(AssertionError, match="opened again"):
        checked(whole)


def test_of_two_that_ask_one_checks(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(stamps, "SAY_AFTER", 0)
    begun, go_on, made = threading.Event(), threading.Event(), []

    def check():
        made.append(1)
        begun.set()
        assert go_on.wait(30)
        return {"images": 3}, []

    results = []
    ask = lambda: results.append(stamps.checked_once("key", "some.json", check, tmp_path))  # noqa: E731
    first = threading.Thread(target=ask)
    first.start()
    assert begun.wait(30)
    second = threading.Thread(target=ask)
    second.start()
    while "waiting for another process that checks some.json" not in capsys.readouterr().out:
        time.sleep(0.05)
    go_on.set()
    for thread in (first, second):
        thread.join(30)
    assert results == [{"images": 3}] * 2
    assert made == [1]


def test_a_damaged_stamp_or_no_place_for_one_is_a_check_again(tmp_path, monkeypatch):
    (tmp_path / "key.json").write_text('{"files": [')
    assert stamps.checked_once("key", "x", lambda: ({"images": 1}, []), tmp_path) == {"images": 1}
    monkeypatch.setenv("MMPANONAS_CACHE_DIR", "/dev/null/none")
    monkeypatch.setattr(stamps.tempfile, "gettempdir", lambda: "/dev/null")
    assert stamps.stamp_folder() is None
    assert stamps.checked_once("key", "x", lambda: ({"images": 2}, [])) == {"images": 2}
