"""Things from an instance file beside the panoptic one: whole where the panoptic map hides them."""

import copy
import json

import numpy as np
import pytest
from mmengine.config import ConfigDict
from pycocotools import mask as coco_mask

from mmpanonas.config.check import check_files
from mmpanonas.datasets import LoadPanopticSegments, PanopticDataset
from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import write_panoptic_png

SIZE = (6, 8)
CATEGORIES = [dict(id=9, name="cow", isthing=1), dict(id=2, name="sky", isthing=0)]
ALL, PART = [0, 0, 8, 6], [[0, 0, 8, 0, 8, 6]]


def thing(category: int, box: list, segmentation: object, **more) -> dict:
    return dict(image_id=4, category_id=category, bbox=box, segmentation=segmentation, **more)


INSTANCES = {
    "categories": [dict(id=1, name="tree"), dict(id=7, name="cow")],
    "annotations": [
        # A square of which a second cow, an RLE, hides a part; then what is left out.
        thing(7, [0, 0, 4, 4], [[0, 0, 4, 0, 4, 4, 0, 4]]),
        thing(7, [2, 2, 3, 3], {}),
        thing(7, ALL, PART, iscrowd=1),
        thing(1, ALL, PART),
        thing(7, [0, 0, 8, 0.5], PART),
        thing(7, ALL, [[0, 0, 8, 0]]),
    ],
}


def square(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[rows, columns] = 1
    return mask


FIRST, SECOND = square(slice(0, 4), slice(0, 4)), square(slice(2, 5), slice(2, 5))


@pytest.fixture
def build(tmp_path):
    """A function from an instance file's content to a data set of two pictures."""
    ids = np.full(SIZE, 3)
    ids[FIRST > 0], ids[SECOND > 0] = 1, 2
    write_panoptic_png(tmp_path / "four.png", ids)
    write_panoptic_png(tmp_path / "five.png", np.full(SIZE, 1))
    boxes = {1: [0, 0, 4, 4], 2: [2, 2, 3, 3], 3: [0, 0, 8, 6]}
    segments = []
    for i, box in boxes.items():
        category, area = 2 if i == 3 else 9, int((ids == i).sum())
        segments.append(dict(id=i, category_id=category, area=area, bbox=box, iscrowd=0))
    cow = dict(id=1, category_id=9, area=48, bbox=[0, 0, 8, 6], iscrowd=0)
    content = dict(
        images=[dict(id=i, file_name=f"{n}.jpg", height=6, width=8) for i, n in NAMES.items()],
        annotations=[
            dict(image_id=4, file_name="four.png", segments_info=segments),
            dict(image_id=5, file_name="five.png", segments_info=[cow]),
        ],
        categories=CATEGORIES,
    )
    (tmp_path / "panoptic.json").write_text(json.dumps(content))

    def build(instances: object = None, **more) -> PanopticDataset:
        (tmp_path / "instances.json").write_text(json.dumps(instances or with_rle()))
        arguments = dict(ann_file="panoptic.json", data_root=str(tmp_path), data_prefix=PREFIX)
        return PanopticDataset(**arguments, things_file="instances.json", **more)

    return build


PREFIX = {"img": "", "seg": ""}
NAMES = {4: "four", 5: "five"}


def with_rle() -> dict:
    content = copy.deepcopy(INSTANCES)
    rle = coco_mask.encode(np.asfortranarray(SECOND))
    content["annotations"][1]["segmentation"] = dict(size=[6, 8], counts=rle["counts"].decode())
    return content


def test_things_are_whole_and_the_rest_is_the_panoptic_maps(build):
    """The hidden corner of the first cow is hers too; the semantic map stays as painted."""
    dataset = build()
    loaded = LoadPanopticSegments()(dataset[0])
    assert loaded["gt_masks"].masks.tolist() == [FIRST.tolist(), SECOND.tolist()]
    assert loaded["gt_bboxes"].numpy().tolist() == [[0, 0, 4, 4], [2, 2, 5, 5]]
    assert loaded["gt_bboxes_labels"].tolist() == [0, 0]
    assert loaded["gt_ignore_flags"].tolist() == [False, False]
    assert loaded["gt_seg_map"].tolist() == np.where(FIRST | SECOND, 0, 1).tolist()
    plain = PanopticDataset(
        ann_file="panoptic.json", data_root=dataset.data_root, data_prefix=PREFIX
    )
    visible = LoadPanopticSegments()(plain[0])["gt_masks"].masks
    assert visible.tolist() == [(FIRST & (1 - SECOND)).tolist(), SECOND.tolist()]
    assert dataset[0]["segments_info"] == plain[0]["segments_info"]


def test_a_picture_without_whole_things_has_none(build):
    dataset = build()
    loaded = LoadPanopticSegments()(dataset[1])
    assert len(loaded["gt_masks"]) == len(loaded["gt_bboxes"]) == 0
    kept = build(filter_cfg=dict(filter_empty_gt=True))
    assert [kept[i]["img_id"] for i in range(len(kept))] == [4]
    assert len(build(filter_cfg=dict(filter_empty_gt=False))) == 2


def changed(**values) -> dict:
    return with_rle() | values


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        (changed(categories=[dict(id=7, name="bull")]), r"lacks the categories \['cow'\]"),
        (changed(annotations=[dict(image_id=4, segments_info=[])]), r"annotations\[0\] lacks"),
        ([1], "not in COCO's instance format"),
        (changed(annotations=INSTANCES["annotations"][2:]), "must have the same image ids"),
    ],
)
def test_files_that_do_not_fit_are_one_line(build, instances, message):
    with pytest.raises(InputError, match=message) as refused:
        build(instances)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_absent_is_said_before_pictures_are_read(build, tmp_path):
    build()
    place = dict(ann_file="panoptic.json", data_root=str(tmp_path), data_prefix=PREFIX)
    with pytest.raises(InputError, match=r"things_file '.*/nowhere.json' does not exist"):
        check_files(ConfigDict(place, things_file="nowhere.json"), needs_segments=True)


def test_masks_of_another_size_are_one_line(build):
    content = with_rle()
    rle = coco_mask.encode(np.asfortranarray(np.ones((3, 3), np.uint8)))
    content["annotations"][1]["segmentation"] = dict(size=[3, 3], counts=rle["counts"].decode())
    with pytest.raises(InputError, match=r"is \(6, 8\) \(height, width\), a mask .* \(3, 3\)"):
        LoadPanopticSegments()(build(content)[0])
