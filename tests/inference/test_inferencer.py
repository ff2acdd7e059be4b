"""Pictures in, panoptic maps out: as the tester's, in files that read back, in known colours."""

import json
import os
import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.structures import PixelData

from mmpanonas.errors import InputError
from mmpanonas.inference import PanopticInferencer, list_pictures
from mmpanonas.panoptic.png import read_panoptic_png
from mmpanonas.visualization.pictures.panel_canvas import MARGIN
from mmpanonas.visualization.pictures.panels import CAPTION, EDGE, GAP, HEADER
from mmpanonas.visualization.pictures.segments import OPACITY, resize
from tests.conftest import ROOT, SHAPES
from tests.inference.conftest import RETRAIN


def check_results(folder, count: int) -> dict:
    """The JSON and the PNGs of ``folder`` agree; returns the JSON."""
    content = json.loads((folder / "results.panoptic.json").read_text())
    labels = {category["id"] for category in content["categories"]}
    assert len(content["annotations"]) == len(content["images"]) == count
    for image, annotation in zip(content["images"], content["annotations"], strict=True):
        ids = read_panoptic_png(folder / "results.panoptic" / annotation["file_name"])
        assert ids.shape == (image["height"], image["width"])
        assert image["id"] == annotation["image_id"]
        assert cv2.imread(image["file_name"]).shape[:2] == ids.shape
        areas = dict(zip(*np.unique(ids[ids > 0], return_counts=True), strict=True))
        assert areas == {s["id"]: s["area"] for s in annotation["segments_info"]}
        assert {s["category_id"] for s in annotation["segments_info"]} <= labels
    return content


def test_the_same_maps_as_the_tester(
    inferencer, checkpoint, options, shapes_root, shapes_config, tmp_path
):
    pictures = shapes_root / "images/val"
    found = inferencer(pictures, out_dir=tmp_path)
    content = check_results(tmp_path, 4)
    segments = [s for a in content["annotations"] for s in a["segments_info"]]
    assert len({s["category_id"] for s in segments}) > 1, "the network predicts nothing"
    assert max(s["id"] for s in segments) > 1000, "the network predicts no things"
    assert len(found["predictions"]) == 4
    assert found["visualization"] == []

    more = dict(data_root=str(shapes_root), load_from=str(checkpoint))
    config = shapes_config("retrain", **options | more)
    config.test_evaluator.outfile_prefix = str(tmp_path / "tester")
    Runner.from_cfg(config).test()
    theirs = sorted((tmp_path / "tester.panoptic").iterdir())
    assert [path.name for path in theirs] == [a["file_name"] for a in content["annotations"]]
    for path in theirs:
        ours = read_panoptic_png(tmp_path / "results.panoptic" / path.name)
        np.testing.assert_array_equal(ours, read_panoptic_png(path))


def test_arrays_batches_and_drawn_results(inferencer, shapes_root):
    paths = list_pictures(shapes_root / "images/val")
    arrays = [cv2.imread(path) for path in paths]
    one = inferencer(paths)["predictions"]
    two = inferencer(arrays, batch_size=3, return_vis=True)
    assert [p["file_name"] for p in two["predictions"]] == [f"{n:08d}.png" for n in range(1, 5)]
    assert [p["img_path"] for p in two["predictions"]] == [""] * 4
    assert [p["image_id"] for p in one] == [1, 2, 3, 4]
    for first, second in zip(one, two["predictions"], strict=True):
        np.testing.assert_array_equal(first["panoptic_seg"], second["panoptic_seg"])
    for array, drawn in zip(arrays, two["visualization"], strict=True):
        picture = resize(array[..., ::-1], (512, 512), smooth=True)
        top = EDGE + HEADER + CAPTION
        np.testing.assert_array_equal(drawn[top : top + 512, MARGIN : MARGIN + 512], picture)


#: Void, a thing, and stuff, as MMDetection writes them for shapes (6 things and 4 of stuff).
MAP = np.array([[10, 10, 1002, 1002], [6, 6, 1002, 2002]]).repeat(32, 0).repeat(32, 1)


def test_a_hand_made_map_in_files_and_colours(inferencer, tmp_path):
    picture = np.full((64, 128, 3), 100, np.uint8)
    sample = DetDataSample(metainfo=dict(img_id=7, img_path="x/hand.jpg", stem="hand"))
    sample.pred_panoptic_seg = PixelData(sem_seg=torch.from_numpy(MAP)[None])
    entry = inferencer.pred2dict(sample, str(tmp_path))
    assert entry == {
        "image_id": 7,
        "img_path": "x/hand.jpg",
        "height": 64,
        "width": 128,
        "file_name": "hand.png",
        "segments_info": [
            {"id": 7, "category_id": 7, "area": 2048},
            {"id": 1003, "category_id": 3, "area": 3072},
            {"id": 2003, "category_id": 3, "area": 1024},
        ],
    }
    ids = read_panoptic_png(tmp_path / "results.panoptic/hand.png")
    np.testing.assert_array_equal(ids, np.where(MAP == 10, 0, MAP + 1))
    categories = inferencer.results().categories
    assert categories[2] == {"id": 3, "name": "triangle", "isthing": 1}
    assert categories[6] == {"id": 7, "name": "grass", "isthing": 0}

    inferencer.visualize([picture], [sample], img_out_dir=str(tmp_path))
    drawn = cv2.imread(str(tmp_path / "vis/hand.png"))[..., ::-1].astype(int)
    # Wide: the map lies below the picture, both 8 times as large.
    top = EDGE + CAPTION + HEADER + 512 + GAP + HEADER
    palette = inferencer.model.dataset_meta["palette"]
    for y, x, label in ((40, 5, 6), (5, 100, 2)):
        expected = np.rint(OPACITY * np.array(palette[label]) + (1 - OPACITY) * 100)
        np.testing.assert_array_equal(drawn[top + 8 * y, MARGIN + 8 * x], expected)
    grey = drawn[top : top + 200, MARGIN : MARGIN + 200].reshape(-1, 3)
    assert (np.ptp(grey, axis=1) == 0).all(), "void is striped grey"
    assert len(np.unique(grey)) == 2


def test_names_of_files_differ(inferencer, shapes_root, tmp_path):
    source = list_pictures(shapes_root / "images/val")[0]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(source, tmp_path / folder / "same.jpg")
    inferencer([tmp_path / "a", tmp_path / "b"], out_dir=tmp_path / "out", no_save_vis=True)
    content = check_results(tmp_path / "out", 2)
    assert [a["file_name"] for a in content["annotations"]] == ["a/same.png", "b/same.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "results.panoptic",
        "results.panoptic.json",
    ]


def test_pictures_of_folders_are_sorted(tmp_path):
    for name in ("b.png", "a.JPG", "c.txt", "d.jpeg"):
        (tmp_path / name).touch()
    expected = [str(tmp_path / name) for name in ("a.JPG", "b.png", "d.jpeg")]
    assert list_pictures(tmp_path) == expected
    array = np.zeros((2, 2, 3), np.uint8)
    found = list_pictures([str(tmp_path / "b.png"), array, tmp_path])
    assert (found[0], found[2:]) == (expected[1], expected)
    assert found[1] is array
    assert list_pictures(array)[0] is array
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"folder .*empty holds no picture \(\.jpg"):
        list_pictures(tmp_path / "empty")
    with pytest.raises(InputError, match=r"picture .*none\.jpg does not exist"):
        list_pictures([tmp_path / "a.JPG", tmp_path / "none.jpg"])


def test_a_broken_picture_is_named(inferencer, tmp_path):
    (tmp_path / "broken.jpg").write_text("no picture")
    with pytest.raises(InputError, match=r"broken\.jpg cannot be decoded \(10 bytes\)"):
        inferencer(tmp_path / "broken.jpg")


def test_no_window(inferencer):
    with pytest.raises(InputError, match="no window"):
        inferencer(np.zeros((64, 64, 3), np.uint8), show=True)


def test_category_ids_of_an_annotation_file(inferencer, checkpoint, options, shapes_root, tmp_path):
    ann_file = tmp_path / "ann.json"
    names = inferencer.classes
    categories = [{"id": 100 - n, "name": name} for n, name in enumerate(names)]
    ann_file.write_text(json.dumps(dict(categories=categories)))
    other = PanopticInferencer(RETRAIN, checkpoint, "cpu", options, ann_file, False)
    assert [c["id"] for c in other.results().categories] == list(range(100, 90, -1))
    picture = list_pictures(shapes_root / "images/val")[0]
    for first, second in zip(
        inferencer(picture)["predictions"][0]["segments_info"],
        other(picture)["predictions"][0]["segments_info"],
        strict=True,
    ):
        assert second == first | {"category_id": 101 - first["category_id"]}
    ann_file.write_text("[]")
    with pytest.raises(InputError, match=r"ann\.json is no annotation file"):
        PanopticInferencer(RETRAIN, checkpoint, "cpu", options, ann_file)


def test_classes_of_a_custom_config_come_from_the_checkpoint(checkpoint, options):
    found = PanopticInferencer(SHAPES / "../custom/retrain.py", checkpoint, "cpu", options)
    assert found.classes[:2] == ["disc", "square"]
    assert found.model.roi_head.mask_head.num_classes == 6


def test_a_checkpoint_that_names_no_classes(save_network, options, shapes_root):
    bare = save_network("bare", with_meta=False)
    found = PanopticInferencer(RETRAIN, bare, "cpu", options | {"data_root": str(shapes_root)})
    assert found.classes[5:7] == ["cross", "grass"]
    with pytest.raises(InputError, match=r"panoptic_val\.json' does not exist"):
        PanopticInferencer(RETRAIN, bare, "cpu", options)


def test_the_readmes_snippet(checkpoint, options, shapes_root, tmp_path, monkeypatch):
    """As it stands, in an interpreter of its own; config and weights are small stand-ins."""
    text = (ROOT / "README.md").read_text()
    (snippet,) = re.findall(r"```python\n(from mmpanonas\.inference.*?)```", text, re.S)
    named, weights = (tmp_path / path for path in re.findall(r'"([^"]*/[^"]*)"', snippet))
    for path in (named, weights):
        path.parent.mkdir(parents=True)
    config = Config.fromfile(RETRAIN)
    config.merge_from_dict(options)
    config.dump(named)
    shutil.copy(checkpoint, weights)
    shutil.copy(list_pictures(shapes_root / "images/val")[0], tmp_path / "picture.jpg")
    run = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "picture.png [{'id': " in run.stdout
    monkeypatch.chdir(tmp_path)
    check_results(tmp_path / "results", 1)
