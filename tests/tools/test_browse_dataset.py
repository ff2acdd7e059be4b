"""What the pipeline feeds is drawn as it is fed, for every split of every kind of config."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.config import Config

from mmpanonas.config import annotation_paths, datasets_of
from mmpanonas.panoptic.png import write_panoptic_png
from mmpanonas.visualization import pipeline_sample
from mmpanonas.visualization.pictures.segments import CLEAR
from tests.conftest import ROOT
from tests.tools.conftest import one_line

TOOL = "tools/analysis_tools/browse_dataset.py"
#: Ids of the one picture's segments, and what they are: two of the first class, and stuff.
IDS = np.array([[5, 5, 9, 9], [7, 9, 9, 0]])
SEGMENTS = {5: (0, [0, 0, 2, 1]), 7: (0, [0, 1, 1, 1]), 9: (-1, [1, 0, 3, 2])}
PICTURE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
CUSTOM = dict(classes=("cat", "dog", "sky"), thing_classes=("cat", "dog"))
COARSE = 32  # pixels of each of the above


def write_data(paths: tuple[str, str, str], meta: dict, number: int = 1) -> None:
    """A data set of ``number`` equal pictures in COCO panoptic format."""
    ann_file, pictures, maps = map(Path, paths)
    for folder in (ann_file.parent, pictures, maps):
        folder.mkdir(parents=True, exist_ok=True)
    things = len(meta["thing_classes"])
    categories = [
        {"id": n + 1, "name": name, "isthing": int(n < things)}
        for n, name in enumerate(meta["classes"])
    ]
    segments = [
        {
            "id": i,
            "category_id": categories[label]["id"],
            "area": COARSE**2 * int((i == IDS).sum()),
            "bbox": [COARSE * side for side in box],
            "iscrowd": 0,
        }
        for i, (label, box) in SEGMENTS.items()
    ]
    images, annotations = [], []
    for n in range(number):
        size = dict(zip(("height", "width"), (COARSE * side for side in IDS.shape), strict=True))
        images.append(dict(id=n, file_name=f"{n}.png", **size))
        annotations.append(dict(image_id=n, file_name=f"{n}.png", segments_info=segments))
        for folder, write, array in (
            (pictures, cv2.imwrite, PICTURE),
            (maps, write_panoptic_png, IDS),
        ):
            write(str(folder / f"{n}.png"), array.repeat(COARSE, 0).repeat(COARSE, 1))
    content = dict(images=images, annotations=annotations, categories=categories)
    ann_file.write_text(json.dumps(content))


def dataset(root: Path, pipeline: list[dict], **more) -> object:
    prefix = dict(img="img/", seg="seg/")
    write_data((str(root / "a.json"), str(root / "img"), str(root / "seg")), CUSTOM)
    config = dict(type="PanopticDataset", data_root=str(root), ann_file="a.json")
    return DATASETS.build(dict(config, data_prefix=prefix, pipeline=pipeline, **more))


def test_boxes_masks_and_semantic_map_after_flip_and_resize(tmp_path):
    pipeline = [
        dict(type="LoadImageFromFile"),
        dict(type="LoadPanopticSegments"),
        dict(type="Resize", scale=(64, 32), keep_ratio=True),
        dict(type="RandomFlip", prob=1.0),
        dict(type="PackDetInputs"),
    ]
    panel = pipeline_sample(dataset(tmp_path, pipeline)[0], 3)
    assert panel.name == "0.png"
    assert panel.image.shape == (32, 64, 3)
    flipped = PICTURE[:, ::-1, ::-1]  # and RGB
    np.testing.assert_array_equal(panel.image[::16, ::16], flipped)
    instances = [[CLEAR, CLEAR, 1000, 1000], [CLEAR, CLEAR, CLEAR, 2000]]
    np.testing.assert_array_equal(panel.instances, np.kron(instances, np.ones((16, 16), int)))
    semantic = [[2, 2, 0, 0], [255, 2, 2, 0]]
    np.testing.assert_array_equal(panel.semantic, np.kron(semantic, np.ones((16, 16), int)))
    assert {one: tuple(box) for one, box in panel.boxes.items()} == {
        1000: (32, 0, 64, 16),
        2000: (48, 16, 64, 32),
    }
    assert panel.truth is None


def test_a_test_pipeline_shows_the_ground_truth_that_it_names(tmp_path):
    keys = ("img_path", "seg_map_path", "segments_info")
    pipeline = [
        dict(type="LoadImageFromFile"),
        dict(type="Resize", scale=(64, 32), keep_ratio=True),
        dict(type="PackDetInputs", meta_keys=keys),
    ]
    panel = pipeline_sample(dataset(tmp_path, pipeline, test_mode=True)[0], 3)
    assert list(panel.maps) == ["truth"]
    truth = [[1000, 1000, 2, 2], [2000, 2, 2, 3]]
    np.testing.assert_array_equal(panel.truth, np.kron(truth, np.ones((16, 16), int)))
    assert not panel.boxes


KINDS = {
    "auto_panoptic/coco/search_evolution": ("train", "val", "recalibration"),
    "auto_panoptic/coco/supernet": ("recalibration",),
    "auto_panoptic/ade20k/retrain": ("train", "test"),
    "auto_panoptic/custom/supernet": ("val",),
}


@pytest.mark.parametrize("name", KINDS)
def test_splits_of_configs(call_tool, tmp_path, name):
    path = ROOT / f"configs/{name}.py"
    config, root = Config.fromfile(path), tmp_path / "data"
    for one in datasets_of(config):
        one.data_root = str(root)
        meta = getattr(DATASETS.get(one.type), "METAINFO", None) or CUSTOM
        write_data(annotation_paths(one), meta, number=3)
    for split in KINDS[name]:
        out = tmp_path / split
        words = ["--split", split, "--out-dir", out, "--number", 1]
        code, printed, err = call_tool(TOOL, path, *words, "--cfg-options", f"data_root={root}")
        assert code == 0, err
        assert printed.splitlines()[-1] == f"1 of 3 pictures of {split}: {out}"
        assert f"browse {split}: 100%" in err
        assert sorted(p.name for p in out.iterdir()) == ["0.png"]
        height, width = cv2.imread(str(out / "0.png")).shape[:2]
        columns = width // 720 if width > height else height // 540  # stacked: twice as wide
        assert columns == (3 if split == "train" else 2)


def test_bad_input(call_tool, tmp_path):
    config = ROOT / "configs/auto_panoptic/shapes/retrain.py"
    data = ["--cfg-options", f"data_root={tmp_path}"]
    out = ["--out-dir", tmp_path / "out"]
    error = one_line(call_tool(TOOL, config, *out, *data))
    assert "panoptic_train.json' does not exist" in error
    error = one_line(call_tool(TOOL, config, *out, "--number", 0))
    assert error.startswith(
        "error: argument --number: expected a whole number of 1 or more, got '0'"
    )
    error = one_line(call_tool(TOOL, config, *out, "--split", "recalibration"))
    assert error.endswith("has no data set for recalibration: give another --split")
    write_data(
        tuple(str(tmp_path / p) for p in ("a.json", "images/train", "seg")), CUSTOM, number=1
    )
    (tmp_path / "seg/0.png").unlink()
    keys = {"ann_file": "a.json", "data_prefix.img": "images/train/", "data_prefix.seg": "seg/"}
    data += [f"train_dataloader.dataset.{key}={value}" for key, value in keys.items()]
    code, printed, err = call_tool(TOOL, config, *out, *data)
    assert (code, printed) == (2, "")
    assert "error: 1 problems in" in err
    assert "seg/0.png' of image 0 does not exist" in err
