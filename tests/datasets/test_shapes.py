import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmpanonas.datasets.check import check_panoptic
from mmpanonas.datasets.shapes import (
    CATEGORIES,
    DIFFICULTY,
    Difficulty,
    render_picture,
    write_shapes,
)
from mmpanonas.datasets.shapes.painting import OUTLINES, fill_outline
from mmpanonas.panoptic.png import read_panoptic_png
from tests.tools.conftest import one_line

TOOL = "tools/dataset_converters/shapes.py"

THING_IDS = {category["id"] for category in CATEGORIES if category["isthing"]}
STUFF_IDS = {category["id"] for category in CATEGORIES if not category["isthing"]}

WRITING = "mmpanonas.datasets.shapes.writing"


def file_hashes(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(root).rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def pictures():
    return [render_picture(3, "train", index, 128, 128) for index in range(40)]


def test_there_are_at_least_six_things_and_four_stuff_classes():
    assert len(THING_IDS) >= 6
    assert len(STUFF_IDS) >= 4
    assert len(THING_IDS | STUFF_IDS) == len(CATEGORIES)


def test_segments_describe_the_ids_exactly(pictures):
    for _, ids, segments in pictures:
        assert {segment["id"] for segment in segments} == set(np.unique(ids).tolist()) - {0}
        for segment in segments:
            rows, columns = np.nonzero(ids == segment["id"])
            x, y, width, height = segment["bbox"]
            assert segment["area"] == len(rows)
            assert (x, y) == (columns.min(), rows.min())
            assert (x + width, y + height) == (columns.max() + 1, rows.max() + 1)


def test_every_stuff_class_is_one_segment_and_two_to_four_are_there(pictures):
    for _, _, segments in pictures:
        stuff = [s["category_id"] for s in segments if s["category_id"] in STUFF_IDS]
        assert len(stuff) == len(set(stuff))
        assert 1 <= len(stuff) <= 4
    assert {s["category_id"] for _, _, segments in pictures for s in segments} == (
        THING_IDS | STUFF_IDS
    )


def test_objects_are_few_and_large_enough_to_be_named(pictures):
    numbers = []
    for _, _, segments in pictures:
        areas = [s["area"] for s in segments if s["category_id"] in THING_IDS]
        assert all(area >= DIFFICULTY.min_visible for area in areas)
        numbers.append(len(areas))
    assert max(numbers) == DIFFICULTY.objects[1]
    assert np.mean(numbers) > 1.5


def test_void_is_a_thin_border(pictures):
    share = np.mean([(ids == 0).mean() for _, ids, _ in pictures])
    assert 0.005 < share < 0.05


def test_an_object_is_painted_where_its_ids_are():
    """Two pictures that differ by the lower limit of visible pixels differ in objects only."""
    none = Difficulty(min_visible=1e9, noise=0, blur=(0.01, 0.01))
    some = Difficulty(noise=0, blur=(0.01, 0.01))
    for index in range(5):
        bare, _, bare_segments = render_picture(0, "train", index, 128, 128, none)
        image, ids, segments = render_picture(0, "train", index, 128, 128, some)
        assert not any(s["category_id"] in THING_IDS for s in bare_segments)
        assert any(s["category_id"] in THING_IDS for s in segments)
        is_thing = np.isin(ids // 1000, list(THING_IDS))
        changed = (bare != image).any(-1)
        near = cv2.dilate(is_thing.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        assert not (changed & ~near).any()
        assert changed[is_thing].mean() > 0.95


@pytest.mark.parametrize("name", sorted(OUTLINES))
def test_outline_covers_its_area(name):
    areas = {
        "disc": np.pi,
        "square": 2,
        "triangle": 0.75 * np.sqrt(3),
        "star": 10 * 0.5 * 0.45 * np.sin(np.pi / 5),
        "ring": np.pi * (1 - 0.55**2),
        "cross": 4 * 0.66 * (np.sqrt(1 - 0.33**2) - 0.33) + 0.66**2,
    }
    box, cover = fill_outline(name, np.array([60.0, 50.0]), 30 * np.eye(2), 128, 128)
    assert cover.sum() == pytest.approx(900 * areas[name], rel=0.05)
    assert box[0].stop - box[0].start == cover.shape[0]


def test_outline_outside_of_the_picture_is_empty():
    box, cover = fill_outline("disc", np.array([-50.0, 10.0]), 20 * np.eye(2), 64, 64)
    assert cover.size == 0
    assert np.zeros((64, 64))[box].shape == cover.shape


def test_picture_depends_on_seed_split_and_index():
    arguments = [(0, "train", 0), (1, "train", 0), (0, "val", 0), (0, "train", 1)]
    images = [render_picture(*each, 48, 48)[0] for each in arguments]
    again = render_picture(0, "train", 0, 48, 48)[0]
    assert np.array_equal(images[0], again)
    assert all(not np.array_equal(images[0], other) for other in images[1:])


def test_same_objects_at_every_size_grown_with_the_smaller_side():
    for index in range(10):
        small, large = (
            [s for s in render_picture(0, "a", index, *size)[2] if s["category_id"] in THING_IDS]
            for size in ((96, 120), (288, 360))
        )
        assert [s["id"] for s in small] == [s["id"] for s in large]
        for a, b in zip(small, large, strict=True):
            assert b["area"] / a["area"] == pytest.approx(9, rel=0.15)
            assert np.allclose(np.array(b["bbox"]) / 3, a["bbox"], atol=2)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (30, 200), (240, 320), (97, 61)])
def test_any_size(height, width):
    image, ids, _ = render_picture(0, "train", 0, height, width)
    assert image.shape == (height, width, 3)
    assert ids.shape == (height, width)
    assert image.std() > 5


def test_same_bytes_on_a_second_run_and_a_smaller_set_is_the_head_of_a_larger(tmp_path):
    for name, train in (("first", 3), ("second", 3), ("larger", 5)):
        assert write_shapes(tmp_path / name, {"train": train, "val": 2}, (40, 56), seed=5)
    first = file_hashes(tmp_path / "first")
    assert first == file_hashes(tmp_path / "second")
    larger = file_hashes(tmp_path / "larger")
    pictures = [name for name in first if name.endswith((".jpg", ".png"))]
    assert len(pictures) == 10
    assert all(first[name] == larger[name] for name in pictures)
    contents = [
        json.loads((tmp_path / name / "annotations/panoptic_train.json").read_text())
        for name in ("first", "larger")
    ]
    for key in ("images", "annotations"):
        assert contents[0][key] == contents[1][key][:3]
        assert len(contents[1][key]) == 5


def test_what_is_written_is_what_was_rendered(tmp_path):
    write_shapes(tmp_path, {"train": 1, "val": 1}, (64, 96), seed=2)
    image, ids, segments = render_picture(2, "val", 0, 64, 96)
    png = tmp_path / "annotations/panoptic_val/val_000000.png"
    jpg = cv2.imread(str(tmp_path / "images/val/val_000000.jpg"))
    assert np.array_equal(read_panoptic_png(png), ids)
    assert np.abs(cv2.blur(jpg, (5, 5)).astype(int) - cv2.blur(image, (5, 5))).mean() < 3
    content = json.loads((tmp_path / "annotations/panoptic_val.json").read_text())
    assert content["annotations"][0]["segments_info"] == segments
    assert content["images"][0]["id"] == content["annotations"][0]["image_id"]
    for split in ("train", "val"):
        folder = tmp_path / "annotations" / f"panoptic_{split}"
        ann_file = tmp_path / "annotations" / f"panoptic_{split}.json"
        assert check_panoptic(ann_file, tmp_path / "images" / split, folder).images == 1


def test_writes_again_only_if_something_differs(tmp_path):
    asked = {"num_images": {"train": 2, "val": 1}, "size": (32, 32)}
    assert write_shapes(tmp_path, **asked)
    assert not write_shapes(tmp_path, **asked)
    assert write_shapes(tmp_path, **asked, seed=1)
    assert write_shapes(tmp_path, {"train": 1, "val": 1}, (32, 32))
    assert len(list((tmp_path / "images/train").iterdir())) == 1
    (tmp_path / "images/val/val_000000.jpg").unlink()
    assert write_shapes(tmp_path, {"train": 1, "val": 1}, (32, 32))


def test_interrupted_run_is_not_taken_for_a_whole_one(tmp_path, monkeypatch):
    asked = {"num_images": {"train": 2}, "size": (32, 32)}
    with monkeypatch.context() as patch:
        patch.setattr(f"{WRITING}.write_panoptic_png", _disk_full_at_the_last)
        with pytest.raises(OSError, match="No space"):
            write_shapes(tmp_path, **asked)
    assert write_shapes(tmp_path, **asked)
    assert not write_shapes(tmp_path, **asked)


def test_foreign_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(FileExistsError, match="new or an empty folder"):
        write_shapes(tmp_path, {"train": 1}, (32, 32))
    assert (tmp_path / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments",
    [{"num_images": {"train": -1}}, {"size": (8, 128)}, {"size": (65_535,) * 2}, {"seed": -1}],
)
def test_impossible_settings(tmp_path, arguments):
    with pytest.raises(ValueError, match="expected"):
        write_shapes(tmp_path, **{"num_images": {"train": 1}, **arguments})


def test_command(tmp_path, call_tool):
    arguments = tmp_path / "out", "--train", 2, "--val", 1, "--size", 32, 48, "--seed", 4
    code, out, _ = call_tool(TOOL, *arguments)
    assert code == 0
    assert "nothing to do" not in out
    assert out.strip().splitlines()[-1].endswith(f"{tmp_path}/out/annotations")
    ids = read_panoptic_png(tmp_path / "out/annotations/panoptic_train/train_000001.png")
    assert np.array_equal(ids, render_picture(4, "train", 1, 32, 48)[1])
    code, out, _ = call_tool(TOOL, *arguments)
    assert code == 0
    assert "nothing to do" in out
    assert "empty folder" in one_line(call_tool(TOOL, tmp_path, "--size", 32, 32))


def _disk_full_at_the_last(path, ids):
    Path(path).write_bytes(b"half of a PNG")
    if path.stem == "train_000001":
        raise OSError(28, "No space left on device")


def test_the_tool_says_on_a_full_disk_what_is_not_whole(call_tool, tmp_path, monkeypatch):
    def full(path, ids):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"{WRITING}.write_panoptic_png", full)
    words = ("tools/dataset_converters/shapes.py", tmp_path / "d", "--train", 1, "--val", 0)
    code, _, err = call_tool(*words)
    assert code == 2
    assert err.strip().endswith(
        f"error: No space left on device; '{tmp_path / 'd'}' is not whole: make room there, and "
        f"start again"
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").touch()
    line = one_line(call_tool(words[0], tmp_path / "mine", *words[2:]))
    assert line.endswith("give a new or an empty folder")
