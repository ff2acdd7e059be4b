"""Cityscapes, Pascal VOC, and pairs of maps: pictures small enough to draw."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from mmpanonas.datasets.converters.cityscapes import LABELS, STUFF, THINGS
from mmpanonas.datasets.converters.map_pairs import Legend, merge_maps
from mmpanonas.datasets.converters.pascal_voc import NAMES
from tests.datasets.by_hand import assert_drawn, refused, things_of

FOLDER = "tools/dataset_converters"


def png(path, values, dtype=np.uint8):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(values, dtype)).save(path)


def photo(path, width, height):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height)).save(path)


#: Road 7, sky 23, cars 26, a group of persons 24, ego vehicle 1, caravan 29 (not scored).
CITY = [
    [23, 23, 23, 23, 29003, 29003],
    [26000, 26000, 24, 24, 24001, 23],
    [26000, 26001, 24, 7, 24001, 24],
    [7, 7, 1, 1, 7, 7],
]


def write_city(root, values=CITY, city="aachen", name="aachen_000000_000019"):
    photo(root / f"leftImg8bit/train/{city}/{name}_leftImg8bit.png", 6, 4)
    png(root / f"gtFine/train/{city}/{name}_gtFine_instanceIds.png", values, np.uint16)


def test_cityscapes_by_hand(tmp_path, call_tool):
    write_city(tmp_path / "raw")
    write_city(tmp_path / "raw", np.full((4, 6), 7), "bochum", "bochum_000000_000313")
    tool = f"{FOLDER}/cityscapes.py"
    code, out, _ = call_tool(tool, tmp_path / "raw", tmp_path / "out")
    assert code == 0
    assert out.rstrip().endswith("2 images are in order")
    path = tmp_path / "out/annotations/panoptic_train.json"
    assert_drawn(
        path,
        "aachen/aachen_000000_000019_leftImg8bit.png",
        "ssss.. aaggps abgrpg rr..rr",
        {"s": "sky", "a": "car", "b": "car", "g": "*person", "p": "person", "r": "road"},
    )
    images = json.loads(path.read_text())["images"]
    assert [i["id"] for i in images] == ["aachen_000000_000019", "bochum_000000_000313"]
    assert images[0]["file_name"] == "aachen/aachen_000000_000019_leftImg8bit.png"
    categories = {c["id"]: c["name"] for c in json.loads(path.read_text())["categories"]}
    assert categories == THINGS | STUFF
    assert len(categories) == 19
    assert categories[26] == "car"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: write_city(root, [[*CITY[0][:5], 34], *CITY[1:]]), "holds class 34; 0 to 33"),
        (lambda root: write_city(root, [[*CITY[0][:5], 40001], *CITY[1:]]), "holds class 40"),
        (lambda root: write_city(root, CITY[:3]), "are 6 x 3, the picture is 6 x 4"),
        (lambda root: [p.unlink() for p in root.rglob("*Ids.png")], "instanceIds.png' does not"),
        (lambda root: [p.unlink() for p in root.rglob("*8bit.png")], "holds no <city>/<id>"),
        (lambda root: (root / "gtFine").rename(root / "gt"), "gtFine/train' does not exist"),
    ],
)
def test_cityscapes_that_is_not_whole(tmp_path, call_tool, change, message):
    write_city(tmp_path / "raw")
    change(tmp_path / "raw")
    result = call_tool(f"{FOLDER}/cityscapes.py", tmp_path / "raw", tmp_path / "out")
    assert message in refused(result, tmp_path / "out")


def write_voc(root, name="2007_000032"):
    photo(root / f"JPEGImages/{name}.jpg", 6, 3)
    photo(root / "JPEGImages/2099_000001.jpg", 6, 3)  # in no list
    plane, person, void = 1, 15, 255
    kinds = [
        [0, 0, void, plane, plane, 0],
        [0, person, void, plane, void, plane],
        [person, person, void, void, person, 0],
    ]
    objects = [[0, 0, 255, 1, 1, 0], [0, 2, 255, 1, 255, 3], [2, 2, 255, 255, 4, 0]]
    for folder, values in (("SegmentationClass", kinds), ("SegmentationObject", objects)):
        path = root / f"{folder}/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(np.array(values, np.uint8), "P")
        picture.putpalette(bytes(range(256)) * 3)
        picture.save(path)
    names = root / "ImageSets/Segmentation/train.txt"
    names.parent.mkdir(parents=True, exist_ok=True)
    names.write_text(f"{name}\n")


def test_pascal_voc_by_hand(tmp_path, call_tool):
    write_voc(tmp_path / "raw")
    code, out, _ = call_tool(f"{FOLDER}/pascal_voc.py", tmp_path / "raw", tmp_path / "out")
    assert code == 0
    assert "1 images are in order" in out
    assert "left out" not in out
    path = tmp_path / "out/annotations/panoptic_train.json"
    assert_drawn(
        path,
        "2007_000032.png",
        "ss.kks sp.k.b pp..qs",
        {"s": "background", **dict.fromkeys("kb", "aeroplane"), **dict.fromkeys("pq", "person")},
    )
    assert things_of(path) == ([*NAMES[1:]], ["background"])
    assert len(NAMES) == 21


def test_pascal_voc_that_is_not_whole(tmp_path, call_tool):
    root, tool = tmp_path / "raw", f"{FOLDER}/pascal_voc.py"
    write_voc(root)

    def line(*words):
        return refused(call_tool(tool, root, tmp_path / "out", *words), tmp_path / "out")

    assert "val.txt' does not exist" in line("--split", "val")
    (root / "SegmentationObject/2007_000032.png").rename(root / "kept.png")
    assert "SegmentationObject/2007_000032.png' does not exist" in line()
    (root / "kept.png").rename(root / "SegmentationObject/2007_000032.png")
    (root / "JPEGImages/2007_000032.jpg").unlink()
    assert "JPEGImages/2007_000032.jpg' does not exist" in line()
    (root / "ImageSets/Segmentation/train.txt").write_text("\n")
    assert "names no picture" in line()


def write_pairs(root, dtype=np.uint16, names='{"1": "cat", "2": "dog", "9": "grass"}'):
    """Numbers begin anew with each class; the grass has some, which say nothing."""
    photo(root / "photos/day/a.jpg", 5, 3)
    png(root / "classes/day/a.png", [[9, 9, 1, 1, 2], [9, 1, 1, 2, 2], [255, 0, 2, 2, 2]])
    numbers = [[4, 5, 1, 1, 1], [0, 1, 300, 1, 1], [7, 1, 0, 1, 2]]
    png(root / "numbers/day/a.png", numbers, dtype)
    (root / "labels.json").write_text(names)
    words = [root / "photos", root / "classes", root / "numbers", root.parent / "out"]
    return [*words, "--labels", root / "labels.json", "--stuff", "grass", "--void", 0, 255]


def test_pairs_of_maps_by_hand(tmp_path, call_tool):
    words = write_pairs(tmp_path / "raw")
    photo(tmp_path / "raw/photos/b.png", 5, 3)
    code, out, _ = call_tool(f"{FOLDER}/map_pairs.py", *words)
    assert code == 0
    assert "1 pictures have no maps and are left out" in out
    assert "things: cat, dog; stuff: grass" in out
    path = tmp_path / "out/annotations/panoptic_train.json"
    rows = "ggccd gcCdd ...dD"
    legend = {"g": "grass", "c": "cat", "C": "cat", "d": "dog", "D": "dog"}
    assert_drawn(path, "day/a.png", rows, legend)


def test_numbers_in_three_channels(tmp_path, call_tool):
    words = write_pairs(tmp_path / "raw")
    numbers = np.zeros((3, 5, 3), np.uint8)
    numbers[0, 2:, 1] = numbers[1, 1, 1] = 1  # 256, of cat and of dog
    numbers[1, 2, 0] = 1
    png(tmp_path / "raw/numbers/day/a.png", numbers)
    assert call_tool(f"{FOLDER}/map_pairs.py", *words)[0] == 0
    path = tmp_path / "out/annotations/panoptic_train.json"
    legend = {"g": "grass", "c": "cat", "C": "cat", "d": "dog"}
    assert_drawn(path, "day/a.png", "ggccd gcC.. .....", legend)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: (raw / "numbers/day/a.png").unlink(), "numbers/day/a.png' does not exist"),
        (lambda raw: (raw / "photos/day/a.jpg").unlink(), "photos/day/a.jpg' does not exist"),
        (lambda raw: photo(raw / "photos/day/a.png", 5, 3), "have one name"),
        (lambda raw: photo(raw / "photos/day/a.jpg", 5, 4), "are 5 x 3, the picture is 5 x 4"),
        (lambda raw: png(raw / "numbers/day/a.png", [[0] * 5] * 2), "equal sizes were expected"),
        (lambda raw: png(raw / "classes/day/a.png", [[3] * 5] * 3), "class 3 has no name and is"),
        (lambda raw: (raw / "classes/day/a.png").unlink(), "holds no .png"),
        (
            lambda raw: (raw / "labels.json").write_text('{"1": "cat"}'),
            "no class is called 'grass'",
        ),
        (lambda raw: (raw / "labels.json").write_text('{"-1": "grass"}'), "from 0 to 255"),
    ],
)
def test_pairs_of_maps_that_do_not_fit(tmp_path, call_tool, change, message):
    words = write_pairs(tmp_path / "raw")
    change(tmp_path / "raw")
    line = refused(call_tool(f"{FOLDER}/map_pairs.py", *words), tmp_path / "out")
    assert message in line


@given(
    classes=arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 8, 9, 255])),
    numbers=arrays(np.int64, (4, 5), elements=st.sampled_from([0, 1, 2, 70_000, 2**24 - 1])),
    crowds=st.booleans(),
)
def test_pixel_by_pixel(classes, numbers, crowds):
    """Two pixels are of one segment where class and, of things, number are the same."""
    legend = Legend({1: 10, 2: 20}, {8: 80, 9: 90}, {0, 255}, crowds)
    ids, categories, groups = merge_maps(classes, numbers, legend)
    keys = {}
    for kind, number, segment in zip(classes.flat, numbers.flat, ids.flat, strict=True):
        thing, stuff = kind in (1, 2), kind in (8, 9)
        if not (stuff or (thing and (number or crowds))):
            assert segment == 0
            continue
        key = (kind, number if thing else 0)
        assert keys.setdefault(key, segment) == segment
        assert categories[segment] == 10 * kind
        assert (segment in groups) == (thing and number == 0)
    assert len({*keys.values()}) == len(keys)


def test_cityscapes_labels_are_known():
    assert {*THINGS, *STUFF} < {*LABELS}
