import json
import re
import shutil

import mmcv
import numpy as np
import pytest
from PIL import Image

from mmpanonas.datasets.check import check_panoptic, find_problems
from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import read_panoptic_png, write_panoptic_png
from tests.tools.conftest import one_line

TOOL = "tools/dataset_converters/check_panoptic.py"


class Copy:
    """A data set of three pictures that a test may spoil."""

    def __init__(self, root):
        self.ann_file = root / "annotations/panoptic_val.json"
        self.pictures = root / "images/val"
        self.segments = root / "annotations/panoptic_val"
        self.picture = self.pictures / "val_000001.jpg"
        self.png = self.segments / "val_000001.png"

    def check(self, decode=True):
        return check_panoptic(self.ann_file, self.pictures, self.segments, decode).images

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
    images = len(json.loads(ann_file.read_text())["images"])
    found = find_problems(ann_file, root / "images" / split, ann_file.with_suffix(""), workers=2)
    assert found[0] == images
    assert found.problems == found.remarks == []


def test_file_without_annotations_is_fine(data):
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
        (spoil_void_id, r"annotations\[0\].segments_info\[0\].id is 0; expected: greater than"),
    ],
)
def test_annotation_problems(data, spoil, message):
    data.edit(spoil)
    with pytest.raises(ValueError, match=message):
        data.check(decode=False)


FILE_PROBLEMS = [
    (lambda d: d.picture.unlink(), r"picture '.*val_000001\.jpg' .* does not exist"),
    (lambda d: d.png.unlink(), r"segment PNG '.*val_000001\.png' .* does not exist"),
    (lambda d: cut(d.picture, -10), r"picture '.*val_000001\.jpg' .*cannot be decoded: truncated"),
    (lambda d: cut(d.png, -10), r"segment PNG '.*val_000001\.png' .*is truncated"),
    (lambda d: cut(d.picture, 0), r"val_000001\.jpg' is empty \(0 bytes\)"),
    (lambda d: cut(d.png, 20), r"val_000001\.png' \(20 bytes\) is truncated"),
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
    with pytest.raises(ValueError, match=r"val_000001\.png' .* is damaged"):
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


def segment_of(content, image=0, place=0):
    return content["annotations"][image]["segments_info"][place]


def add_box(content):
    segment_of(content)["bbox"][2] += 1


def add_area(content):
    segment_of(content)["area"] += 1


def double_stuff(content):
    segments = content["annotations"][0]["segments_info"]
    for segment in [segment for segment in segments if segment["category_id"] > 6][:2]:
        segment["category_id"] = 11


def remove_annotation(content):
    del content["annotations"][1]


def share_pictures(content):
    content["images"][0]["file_name"] = "val_000001.jpg"


@pytest.mark.parametrize(
    ("spoil", "message", "by_decoding"),
    [
        (add_box, r"segment \d+ of image 1000001: the JSON says bbox .*segment PNG '", True),
        (add_area, r"segment \d+ of image 1000001: the JSON says area .*segment PNG '", True),
        (double_stuff, "image 1000001 has 2 segments of stuff category 11; stuff is one", False),
        (remove_annotation, "image 1000002 has no segments: all of it is void", False),
        (share_pictures, r"2 images share the picture 'val_000001\.jpg'", False),
    ],
)
def test_what_a_run_passes_over_is_remarked(data, spoil, message, by_decoding):
    data.edit(spoil)
    assert data.check() == 3
    arguments = data.ann_file, data.pictures, data.segments
    report = find_problems(*arguments)
    assert (report.images, report.problems) == (3, [])
    (found,) = report.remarks
    assert re.search(message, found)
    assert (found in find_problems(*arguments, decode=False).remarks) != by_decoding


def test_files_are_looked_at_unless_ids_are_ambiguous(data):
    data.edit(spoil_category)
    data.picture.unlink()
    with pytest.raises(InputError, match=r"^2 problems"):
        data.check(decode=False)
    data.edit(spoil_both_images_of_one_id)
    with pytest.raises(InputError, match="has category 55") as caught:
        data.check(decode=False)
    assert "does not exist" not in str(caught.value)


def test_a_picture_without_a_single_label_is_empty(data):
    write_panoptic_png(data.png, np.zeros((64, 80), int))
    data.edit(lambda content: content["annotations"][1].update(segments_info=[]))
    assert data.check() == 3
    remarks = find_problems(data.ann_file, data.pictures, data.segments).remarks
    assert remarks == ["image 1000002 has no segments: all of it is void"]


def test_sizes_are_those_of_a_picture_as_it_is_loaded(data):
    """A camera that was held upright: the file is 80 x 64, loaders turn it to 64 x 80."""
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(data.picture) as picture:
        picture.save(data.picture, exif=exif)
    assert mmcv.imread(str(data.picture)).shape == (80, 64, 3)
    with pytest.raises(InputError, match="is 64 x 80, the JSON says 80 x 64"):
        data.check(decode=False)


def test_damage_within_a_picture_is_found_by_decoding(data):
    """A PNG picture that lost its middle but not its end."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    Image.fromarray(noise).save(data.picture, "PNG")
    content = data.picture.read_bytes()
    data.picture.write_bytes(content[: len(content) // 2] + content[-12:])
    assert data.check(decode=False) == 3
    with pytest.raises(InputError, match=r"val_000001\.jpg' .*cannot be decoded: truncated"):
        data.check()


def test_processes_find_what_one_finds_in_the_order_of_the_file(data):
    write_panoptic_png(data.png, np.full((64, 80), 5))
    data.picture.unlink()
    (data.segments / "val_000002.png").write_bytes(b"")
    arguments = data.ann_file, data.pictures, data.segments
    alone = find_problems(*arguments, workers=0)
    assert find_problems(*arguments, workers=2) == alone
    assert len(alone.problems) > 4
    assert [name in alone.problems[-1] for name in ("val_000001", "val_000002")] == [False, True]


def test_command(data, call_tool):
    arguments = TOOL, data.ann_file, data.pictures, data.segments
    for more in ((), ("--quick",), ("--workers", 0)):
        assert call_tool(*arguments, *more)[:2] == (0, f"{data.ann_file}: 3 images are in order\n")
    data.png.unlink()
    cut(data.picture, -9)
    code, out, _ = call_tool(*arguments)
    lines = out.splitlines()
    assert code == 1
    assert [name in line for name, line in zip((".png", ".jpg"), lines, strict=False)] == [True] * 2
    assert lines[2:] == [f"{data.ann_file}: 2 problems, 3 images"]
    data.ann_file.unlink()
    assert "does not exist" in one_line(call_tool(*arguments))
