import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mmpanonas.datasets.check import check_panoptic
from mmpanonas.errors import InputError
from mmpanonas.panoptic_png import read_panoptic_png, write_panoptic_png


class Copy:
    """A data set of three pictures that a test may spoil."""

    def __init__(self, root):
        self.ann_file = root / "annotations/panoptic_val.json"
        self.pictures = root / "images/val"
        self.segments = root / "annotations/panoptic_val"
        self.picture = self.pictures / "val_000001.jpg"
        self.png = self.segments / "val_000001.png"

    def check(self, decode=True):
        return check_panoptic(self.ann_file, self.pictures, self.segments, decode)

    def edit(self, change):
        content = json.loads(self.ann_file.read_text())
        change(content)
        self.ann_file.write_text(json.dumps(content))


@pytest.fixture
def data(shapes_root, tmp_path):
    shutil.copytree(shapes_root, tmp_path / "copy")
    return Copy(tmp_path / "copy")


def cut(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


@pytest.mark.parametrize("decode", [True, False])
def test_in_order(data, decode):
    assert data.check(decode) == 3


@pytest.mark.parametrize(
    ("name", "split"), [("coco_sample", "val"), ("cwfid", "val"), ("camvid", "val")]
)
def test_real_data_is_in_order(real_data, name, split):
    root = real_data / name
    ann_file = root / f"annotations/panoptic_{split}.json"
    number = check_panoptic(ann_file, root / "images" / split, ann_file.with_suffix(""))
    assert number == len(json.loads(ann_file.read_text())["images"])


def test_segment_without_pixels_and_file_without_annotations_are_fine(data):
    segment = {"id": 99, "category_id": 1, "area": 0, "bbox": [0, 0, 1, 1], "iscrowd": 0}
    data.edit(lambda content: content["annotations"][0]["segments_info"].append(segment))
    assert data.check() == 3
    data.edit(lambda content: content.pop("annotations"))
    assert data.check() == 3


def spoil_both_images_of_one_id(content):
    content["images"][0]["id"] = content["images"][1]["id"]


def spoil_segment_id(content):
    segments = content["annotations"][2]["segments_info"]
    segments[0]["id"] = segments[1]["id"]


def spoil_category(content):
    content["annotations"][0]["segments_info"][0]["category_id"] = 55


def spoil_second_annotation(content):
    content["annotations"].append(content["annotations"][0])


def spoil_stray_annotation(content):
    content["annotations"][0]["image_id"] = 12345


def spoil_void_id(content):
    content["annotations"][0]["segments_info"][0]["id"] = 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_both_images_of_one_id, "is given to 2 images"),
        (spoil_segment_id, r"segment id \d+ occurs 2 times"),
        (spoil_category, r"has category 55, 'categories' has only \[1, 2, 3"),
        (spoil_second_annotation, "has 2 annotations"),
        (spoil_stray_annotation, "for image 12345, which 'images' lacks"),
        (spoil_void_id, "segment id 0 is not within 1 to 16777215"),
    ],
)
def test_annotation_problems(data, spoil, message):
    data.edit(spoil)
    with pytest.raises(ValueError, match=message):
        data.check(decode=False)


FILE_PROBLEMS = [
    (lambda d: d.picture.unlink(), r"picture '.*val_000001\.jpg' .* does not exist"),
    (lambda d: d.png.unlink(), r"segment PNG '.*val_000001\.png' .* does not exist"),
    (lambda d: cut(d.picture, -10), r"picture '.*val_000001\.jpg' .*truncated: no JPEG end"),
    (lambda d: cut(d.png, -10), r"segment PNG '.*val_000001\.png' .*truncated: no PNG end"),
    (lambda d: cut(d.picture, 0), r"val_000001\.jpg' \(0 bytes\) is not a picture"),
    (lambda d: cut(d.png, 20), r"val_000001\.png' \(20 bytes\) is not a picture"),
    (lambda d: Image.new("RGB", (9, 7)).save(d.picture), "is 9 x 7, the JSON says 80 x 64"),
    (lambda d: write_panoptic_png(d.png, np.zeros((7, 9), int)), "is 9 x 7, the JSON says"),
    (lambda d: Image.new("RGB", (80, 64)).save(d.png, "JPEG"), "is a JPEG, which changes ids"),
]


@pytest.mark.parametrize(("spoil", "message"), FILE_PROBLEMS)
@pytest.mark.parametrize("decode", [True, False])
def test_file_problems(data, spoil, message, decode):
    spoil(data)
    with pytest.raises(ValueError, match=message) as caught:
        data.check(decode)
    assert str(caught.value).startswith("1 problems")


def test_ids_that_the_json_lacks_are_found_by_decoding(data):
    ids = read_panoptic_png(data.png)
    ids[:2, :2] = 4242
    write_panoptic_png(data.png, ids)
    assert data.check(decode=False) == 3
    with pytest.raises(ValueError, match=r"val_000001\.png' holds the ids \[4242\] \(1 in all\)"):
        data.check()


def test_damage_within_a_png_is_found_by_decoding(data):
    content = bytearray(data.png.read_bytes())
    content[len(content) // 2] ^= 0xFF
    data.png.write_bytes(content)
    with pytest.raises(ValueError, match=r"val_000001\.png' is damaged"):
        data.check()


def test_lists_ten_problems_and_counts_the_rest(data):
    def add_images(content):
        more = [{**content["images"][0], "id": 100 + i, "file_name": f"{i}.jpg"} for i in range(14)]
        content["images"] += more

    data.edit(add_images)
    with pytest.raises(ValueError, match="14 problems") as caught:
        data.check()
    assert str(caught.value).count("\n  - ") == 10
    assert "and 4 more" in str(caught.value)


def test_missing_and_truncated_annotation_file_and_folder(data):
    with pytest.raises(InputError, match=r"folder '.*nowhere' does not exist"):
        check_panoptic(data.ann_file, data.pictures / "nowhere", data.segments)
    cut(data.ann_file, -30)
    with pytest.raises(ValueError, match="truncated or not JSON"):
        data.check()
    data.ann_file.unlink()
    with pytest.raises(InputError, match=r"panoptic_val\.json' does not exist"):
        data.check()


def test_command(data, run_tool):
    arguments = data.ann_file, data.pictures, data.segments
    code, out, _ = run_tool("check_panoptic.py", *arguments, "--quick")
    assert (code, out) == (0, "3 images are in order\n")
    data.png.unlink()
    code, _, error = run_tool("check_panoptic.py", *arguments)
    assert code == 2
    assert error.startswith("error: 1 problems")
    assert "val_000001.png" in error
