"""ADE20K's release to COCO panoptic format: each rule on a picture small enough to count."""

import json
import os
import signal

import numpy as np
import pytest
from mmdet.datasets import ADE20KPanopticDataset, ADE20KSegDataset
from PIL import Image

from mmpanonas.datasets import PanopticDataset
from mmpanonas.datasets.check import find_problems
from mmpanonas.datasets.converters import ade20k as module
from mmpanonas.datasets.converters.ade20k import (
    CATEGORIES,
    THING_LABELS,
    convert_ade20k,
    merge_maps,
)
from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import read_panoptic_png
from tests.datasets.ade20k_release import write_picture, write_release
from tests.tools.conftest import one_line

TOOL = "tools/dataset_converters/ade20k.py"
#: Of the hand-made picture, by hand: sky, wall, floor, bed number 7, person number 2.
IDS = [
    [768, 768, 768, 768, 0, 0],
    [256, 256, 2055, 2055, 0, 256],
    [256, 3330, 2055, 2055, 0, 256],
    [1024, 1024, 2055, 1024, 1024, 1024],
]
SEGMENTS = [
    {"id": 256, "category_id": 0, "area": 5, "bbox": [0, 1, 6, 2], "iscrowd": 0},
    {"id": 768, "category_id": 2, "area": 4, "bbox": [0, 0, 4, 1], "iscrowd": 0},
    {"id": 1024, "category_id": 3, "area": 5, "bbox": [0, 3, 6, 1], "iscrowd": 0},
    {"id": 2055, "category_id": 7, "area": 5, "bbox": [2, 1, 2, 3], "iscrowd": 0},
    {"id": 3330, "category_id": 12, "area": 1, "bbox": [1, 2, 1, 1], "iscrowd": 0},
]


@pytest.fixture
def release(tmp_path):
    write_release(tmp_path)
    return tmp_path


def arrays(*rows):
    return np.array(rows, np.uint8)


def test_hand_made_picture(release):
    assert convert_ade20k(release) == {"train": 4, "val": 2}
    content = json.loads((release / "ade20k_panoptic_val.json").read_text())
    assert content["images"][0] == {
        "id": "ADE_val_00000001",
        "file_name": "ADE_val_00000001.jpg",
        "width": 6,
        "height": 4,
    }
    assert content["annotations"][1] == {
        "image_id": "ADE_val_00000002",
        "file_name": "ADE_val_00000002.png",
        "segments_info": SEGMENTS,
    }
    path = release / "ade20k_panoptic_train/ADE_train_00000004.png"
    assert read_panoptic_png(path).tolist() == IDS
    red_green_blue = np.asarray(Image.open(path))
    assert red_green_blue[3, 2].tolist() == [7, 8, 0]  # instance number, label
    assert len(json.loads((release / "ade20k_panoptic_train.json").read_text())["images"]) == 4


@pytest.mark.parametrize(
    ("label", "thing", "number", "expected"),
    [
        (0, 0, 0, 0),  # unlabelled
        (8, 0, 0, 0),  # a thing without an instance
        (150, 100, 255, 150 * 256 + 255),
        (13, 1, 3, 8 * 256 + 3),  # two things disagree: the instance map's
        (1, 1, 3, 8 * 256 + 3),  # an instance on stuff
        (0, 1, 3, 8 * 256 + 3),  # an instance where nothing is labelled
        (1, 1, 0, 256),  # a class without an instance number says nothing
        (147, 0, 0, 0),
        (146, 0, 0, 146 * 256),
    ],
)
def test_rules_for_a_pixel(label, thing, number, expected):
    ids = merge_maps(arrays([label]), arrays([[thing, number]]))
    assert ids.tolist() == [[expected]]
    assert ids.dtype == np.int32


@pytest.mark.parametrize(
    ("semantic", "instances", "message"),
    [
        ([151], [[0, 0]], "label 151 was found; 0 to 150"),
        ([1], [[0, 4]], "instance 4 has class 0; 1 to 100"),
        ([1], [[101, 4]], "instance 4 has class 101; 1 to 100"),
        ([1, 1], [[2, 4], [3, 4]], "2 pairs of class and instance number .* only 1 numbers"),
    ],
)
def test_values_that_the_release_does_not_have(semantic, instances, message):
    with pytest.raises(InputError, match=message):
        merge_maps(arrays(semantic), arrays(instances))


def test_thing_classes_are_the_challenges():
    """Some rows of the challenge's categoryMapping.txt: thing class, label of scene parsing."""
    rows = {1: 8, 2: 9, 3: 11, 14: 31, 28: 48, 50: 81, 64: 99, 65: 103, 79: 124, 92: 139, 100: 150}
    assert {kind: THING_LABELS[kind - 1] for kind in rows} == rows
    assert len(THING_LABELS) == len(set(THING_LABELS)) == 100


def test_categories_are_mmdetections_with_the_labels_of_scene_parsing():
    meta = ADE20KPanopticDataset.METAINFO
    assert tuple(entry["name"] for entry in CATEGORIES) == meta["classes"]
    things = tuple(entry["name"] for entry in CATEGORIES if entry["isthing"])
    assert things == meta["thing_classes"]
    assert sorted(entry["id"] for entry in CATEGORIES) == list(range(150))
    # The semantic data set names label id + 1 independently; nine names are other words there.
    names = [name.strip() for name in ADE20KSegDataset.METAINFO["classes"]]
    other = {entry["name"] for entry in CATEGORIES} - {
        entry["name"] for entry in CATEGORIES if entry["name"].split(",")[0] == names[entry["id"]]
    }
    assert other == {
        *("window", "tub", "rail", "street lamp", "tv", "clothes", "trash can", "pool", "falls")
    }


def test_result_is_in_order_and_both_data_sets_read_the_same(release):
    convert_ade20k(release)
    ann_file, seg_dir = release / "ade20k_panoptic_val.json", release / "ade20k_panoptic_val"
    report = find_problems(ann_file, release / "images/validation", seg_dir)
    assert (report.images, report.problems, report.remarks) == (2, [], [])
    prefix = {"img": "images/validation/", "seg": "ade20k_panoptic_val/"}
    arguments = {"ann_file": ann_file.name, "data_root": str(release), "data_prefix": prefix}
    ours, theirs = (kind(**arguments) for kind in (PanopticDataset, ADE20KPanopticDataset))
    assert ours.metainfo["classes"] == theirs.metainfo["classes"]
    assert ours.cat2label == theirs.cat2label
    assert [ours.get_data_info(i) for i in range(2)] == [theirs.get_data_info(i) for i in range(2)]
    categories = {entry["id"]: entry for entry in ours[0]["segments_info"]}
    # bed is thing 0, person thing 3; wall is stuff 0, sky 2, floor 3, after the 100 things
    expected = {2055: (0, True), 3330: (3, True), 256: (100, False), 768: (102, False)}
    expected[1024] = (103, False)
    assert {
        i: (entry["category"], bool(entry["is_thing"])) for i, entry in categories.items()
    } == expected


def test_processes_write_what_one_writes(release, tmp_path_factory):
    def result(root):
        convert_ade20k(root, workers=2 * (root == release))
        files = sorted(root.glob("ade20k_panoptic_*/*")) + sorted(root.glob("*.json"))
        return [(path.relative_to(root), path.read_bytes()) for path in files]

    other = tmp_path_factory.mktemp("other")
    write_release(other)
    assert result(release) == result(other)


def test_interrupted_conversion_leaves_no_annotation_file(release, monkeypatch):
    convert_ade20k(release)
    whole = (release / "ade20k_panoptic_train.json").read_bytes()

    def full(path, ids):
        if path.stem == "ADE_train_00000003":
            raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_panoptic_png", full)
        with pytest.raises(OSError, match="No space left"):
            convert_ade20k(release)
    assert not (release / "ade20k_panoptic_train.json").exists()
    assert list(release.glob(".*")) == []
    convert_ade20k(release)
    assert (release / "ade20k_panoptic_train.json").read_bytes() == whole


def die(path, ids):
    os.kill(os.getpid(), signal.SIGKILL)


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def replace(path, picture):
    os.unlink(path)
    picture.save(path)


FIRST = "training/ADE_train_00000001"
SPOILED = [
    (lambda r: (r / f"annotations/{FIRST}.png").unlink(), "lacks the maps of 1 pictures"),
    (lambda r: (r / f"annotations_instance/{FIRST}.png").unlink(), "00001.png'; unpack"),
    (lambda r: (r / "annotations_instance").rename(r / "x"), "annotations_instance/training' does"),
    (lambda r: cut(r / f"annotations/{FIRST}.png"), "00001.png' is truncated"),
    (lambda r: cut(r / f"annotations_instance/{FIRST}.png"), "00001.png' is truncated"),
    (lambda r: (r / f"images/{FIRST}.jpg").write_bytes(b""), "is empty (0 bytes)"),
    (
        lambda r: replace(r / f"annotations_instance/{FIRST}.png", Image.new("L", (6, 4))),
        "pixel format L; RGB or RGBA was expected",
    ),
    (
        lambda r: replace(r / f"annotations/{FIRST}.png", Image.new("L", (4, 6))),
        "is 4 x 6, its picture",
    ),
    (
        lambda r: write_picture(r, *FIRST.split("/"), [[151]], [[0]], [[0]]),
        "label 151 was found",
    ),
]


@pytest.mark.parametrize(("spoil", "message"), SPOILED)
def test_wrong_input_is_one_line(release, call_tool, spoil, message):
    spoil(release)
    assert message in one_line(call_tool(TOOL, release, "--workers", 0))
    assert not (release / "ade20k_panoptic_train.json").exists()


def test_command(release, call_tool):
    code, out, _ = call_tool(TOOL, release, "--workers", 2)
    assert code == 0
    assert out.startswith("ade20k: 4 training and 2 validation pictures are in ")
    assert f"{release}/ade20k_panoptic_val.json" in out
    assert "--workers: expected a whole number from 0 to 4096" in one_line(
        call_tool(TOOL, release, "--workers", -1)
    )
    for path in (release / "images/training").iterdir():
        path.unlink()
    assert "holds no .jpg" in one_line(call_tool(TOOL, release))


def test_a_file_in_the_order_of_the_labels_gives_the_same_labels(release):
    """Mask2Former's file lists categories by id, and names some otherwise."""
    convert_ade20k(release)
    path = release / "ade20k_panoptic_val.json"
    ours = PanopticDataset(str(path)).cat2label
    content = json.loads(path.read_text())
    content["categories"].sort(key=lambda entry: entry["id"])
    content["categories"][8]["name"] = "window "
    path.write_text(json.dumps(content))
    assert PanopticDataset(str(path)).cat2label == ours
