"""COCO panoptic annotations from elsewhere: Mapillary Vistas' form, and files without areas."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from mmpanonas.datasets.annotations.file import read_panoptic_json
from tests.datasets.by_hand import assert_drawn, refused

TOOL = "tools/dataset_converters/panoptic.py"
#: Bird 1, a flock of birds 300, sky 70000; an id that only the file has is 5.
IDS = [[70000, 70000, 1, 0], [300, 70000, 1, 1], [300, 300, 0, 0]]
SEGMENTS = [
    dict(id=1, category_id=3, area=99, bbox=[], iscrowd=0),
    dict(id=300, category_id=3, iscrowd=1),
    dict(id=70000, category_id=7, bbox=None),
    dict(id=5, category_id=7, area=0, bbox=[0, 0, 0, 0], iscrowd=0),
]


def write_vistas(root, segments=SEGMENTS, ids=IDS, **changes):
    """Texts are the ids of pictures, and the JSON lies among the PNGs."""
    folder = root / "training/v2.0/panoptic"
    for each in (folder, root / "training/images"):
        each.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3)).save(root / "training/images/_x-1.jpg")
    rgb = [[[i & 255, i >> 8 & 255, i >> 16] for i in row] for row in ids]
    Image.fromarray(np.array(rgb, np.uint8)).save(folder / "_x-1.png")
    names = ["animal--bird", "nature--sky"]
    content = dict(
        info=dict(version="2.0"),
        images=[dict(id="_x-1", file_name="_x-1.jpg", width=4, height=3)],
        categories=[
            dict(id=3, name="Bird", supercategory=names[0], isthing=1, color=[1, 2, 3]),
            dict(id=7, name="Sky", supercategory=names[1], isthing=0, color=[4, 5, 6]),
        ],
        annotations=[dict(image_id="_x-1", file_name="_x-1.png", segments_info=segments)],
    )
    (folder / "panoptic_2020.json").write_text(json.dumps(content | changes))
    return [folder / "panoptic_2020.json", root / "training/images", folder, root.parent / "out"]


def test_vistas_by_hand(tmp_path, call_tool):
    words = write_vistas(tmp_path / "raw")
    before = words[0].read_bytes()
    code, out, error = call_tool(TOOL, *words)
    assert code == 0, error
    assert out.rstrip().endswith("1 images are in order")
    path = tmp_path / "out/annotations/panoptic_train.json"
    assert_drawn(path, "_x-1.png", "ssb. fsbb ff..", {"b": "Bird", "f": "*Bird", "s": "Sky"})
    content = read_panoptic_json(path)
    found = {s["id"]: (s["area"], s["bbox"]) for s in content["annotations"][0]["segments_info"]}
    assert found == {1: (3, [2, 0, 2, 2]), 300: (3, [0, 1, 2, 2]), 70000: (3, [0, 0, 2, 2])}
    assert content["images"][0]["id"] == content["annotations"][0]["image_id"] == "_x-1"
    assert content["categories"] == json.loads(before)["categories"]
    assert path.with_suffix("").samefile(words[2])  # linked to, not written
    assert words[0].read_bytes() == before


def test_sources_that_cannot_be_written(tmp_path, call_tool):
    """Nothing changes among them."""
    words = write_vistas(tmp_path / "raw")
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "raw").rglob("*")}
    folders = [p for p in files if p.is_dir()]
    for folder in folders:
        os.chmod(folder, 0o500)
    try:
        assert call_tool(TOOL, *words, "--split", "val")[0] == 0
    finally:
        for folder in folders:
            os.chmod(folder, 0o700)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "raw").rglob("*")} == files


def test_again_over_what_was_written(tmp_path, call_tool):
    words = write_vistas(tmp_path / "raw")
    assert [call_tool(TOOL, *words)[0] for _ in range(2)] == [0, 0]


def test_pictures_without_annotation_are_left_out(tmp_path, call_tool):
    images = [dict(id=i, file_name=f"{i}.jpg", width=4, height=3) for i in ("_x-1", "other")]
    code, out, _ = call_tool(TOOL, *write_vistas(tmp_path / "raw", images=images))
    assert code == 0
    assert "1 pictures have no annotation and are left out" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(segments=SEGMENTS[:2]), "holds [70000] (1 in all) that the annotation file does"),
        (dict(segments=[*SEGMENTS, SEGMENTS[0]]), "segment id 1 occurs 2 times"),
        (dict(segments=[dict(id=1, category_id=4)]), "segment 1 has category 4"),
        (dict(segments=[dict(id="1", category_id=3)]), "segments_info[0].id is"),
        (dict(segments=5), "segments_info is 5"),
        (dict(annotations=[]), "has no annotations: nothing to convert"),
        (dict(ids=[[0, 0, 0, 0]]), "are 4 x 1, the picture is 4 x 3"),
        (dict(images=[dict(id="_x-1", file_name="b.jpg", width=4, height=3)]), "b.jpg' does not"),
        (dict(images=[dict(id="_x-1", file_name="../images/_x-1.jpg", width=4, height=3)]),
         "does not lie below"),
    ],
)  # fmt: skip
def test_what_cannot_be_converted(tmp_path, call_tool, options, message):
    words = write_vistas(tmp_path / "raw", **options)
    assert message in refused(call_tool(TOOL, *words), tmp_path / "out")


def test_a_png_that_lacks(tmp_path, call_tool):
    words = write_vistas(tmp_path / "raw")
    (words[2] / "_x-1.png").unlink()
    assert "_x-1.png' does not exist" in refused(call_tool(TOOL, *words), tmp_path / "out")
