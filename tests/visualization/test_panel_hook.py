import logging
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import HOOKS, VISUALIZERS
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmpanonas.panoptic.png import write_panoptic_png
from mmpanonas.visualization import PanopticPanelHook
from mmpanonas.visualization.pictures.hook import panel_sample, read_picture, truth_map

META = {"classes": ("cat", "dog", "sky"), "palette": [(200, 40, 40), (40, 160, 40), (60, 60, 220)]}
SEGMENTS = [
    {"id": 7, "category": 0, "is_thing": 1},
    {"id": 70000, "category": 0, "is_thing": True},
    {"id": 9, "category": 2, "is_thing": 0},
    {"id": 300, "category": 1, "is_thing": False},  # a crowd
]
IDS = np.array([[7, 7, 9, 9], [70000, 70000, 9, 0], [70000, 300, 300, 11]])
CODES = np.array([[1000, 1000, 2, 2], [2000, 2000, 2, 3], [2000, 1, 1, 3]])


def read_panel(sample):
    return panel_sample(sample, read_picture(sample.img_path), 3)


def data_sample(folder, stem, truth=True):
    folder.mkdir(exist_ok=True)
    picture = np.full((3, 4, 3), (250, 120, 10), np.uint8)  # BGR
    cv2.imwrite(str(folder / f"{stem}.png"), picture)
    sample = DetDataSample(metainfo={"img_path": str(folder / f"{stem}.png"), "ori_shape": (3, 4)})
    if truth:
        write_panoptic_png(folder / f"{stem}_ids.png", IDS)
        png = str(folder / f"{stem}_ids.png")
        sample.set_metainfo({"seg_map_path": png, "segments_info": SEGMENTS})
    sample.pred_panoptic_seg = PixelData(sem_seg=torch.full((1, 3, 4), 2))
    return sample


@pytest.fixture
def runner(tmp_path):
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=META))
    logger = logging.getLogger("panel_hook_test")
    logger.setLevel(logging.INFO)
    return SimpleNamespace(
        work_dir=str(tmp_path / "work"),
        visualizer=SimpleNamespace(dataset_meta=None),
        test_dataloader=loader,
        val_dataloader=loader,
        logger=logger,
    )


def drawn(runner, folder="pictures"):
    return sorted(p.name for p in (Path(runner.work_dir) / folder).glob("*"))


def test_things_are_numbered_and_unlisted_ids_are_void():
    np.testing.assert_array_equal(truth_map(IDS, SEGMENTS, 3), CODES)
    np.testing.assert_array_equal(truth_map(IDS, [], 3), np.full((3, 4), 3))


def test_a_sample_is_read_from_its_files(tmp_path):
    sample = read_panel(data_sample(tmp_path, "a"))
    np.testing.assert_array_equal(sample.truth, CODES)
    np.testing.assert_array_equal(sample.prediction, np.full((3, 4), 2))
    np.testing.assert_array_equal(sample.image[1, 2], (10, 120, 250))
    assert sample.name == "a.png"
    assert read_panel(data_sample(tmp_path, "b", truth=False)).truth is None


def test_the_first_pictures_of_a_test_are_written(runner, tmp_path, caplog):
    hook = HOOKS.build({"type": "PanopticPanelHook", "num_pictures": 3})
    for _ in range(2):  # a second test of the same runner starts anew
        hook.before_test(runner)
        for batch in range(3):
            stems = [f"b{batch}_{i}" for i in range(2)]
            samples = [data_sample(tmp_path / "in", stem) for stem in stems]
            hook.after_test_iter(runner, batch, None, samples)
        with caplog.at_level(logging.INFO):
            hook.after_test(runner)
        assert drawn(runner) == ["b0_0.png", "b0_1.png", "b1_0.png"]
    lines = [r.getMessage() for r in caplog.records]
    assert lines == [f"3 pictures written to {runner.work_dir}/pictures"] * 2
    picture = cv2.imread(f"{runner.work_dir}/pictures/b0_0.png")
    assert picture.shape[1] > 3 * 4 * 100  # three columns of 4 pixels, each drawn large


def test_equal_names_in_different_folders_both_stay(runner, tmp_path):
    hook = PanopticPanelHook()
    hook.before_test(runner)
    samples = [data_sample(tmp_path / f, "same", truth=False) for f in ("x", "y")]
    hook.after_test_iter(runner, 0, None, samples)
    assert drawn(runner) == ["same.png", "same_2.png"]


def test_validation_draws_only_when_asked(runner, tmp_path, caplog):
    samples = [data_sample(tmp_path / "in", "v")]
    for val, expected in ((False, []), (True, ["v.png"])):
        hook = PanopticPanelHook(val=val, folder="val_pictures")
        hook.before_val_epoch(runner)
        hook.after_val_iter(runner, 0, None, samples)
        hook.after_val_epoch(runner, {})
        assert drawn(runner, "val_pictures") == expected


@pytest.mark.parametrize("palette", ["random", None, [(1, 2, 3)]])
def test_a_data_set_without_a_full_palette_gets_one(runner, tmp_path, palette):
    runner.visualizer.dataset_meta = {"classes": META["classes"], "palette": palette}
    hook = PanopticPanelHook(1)
    hook.after_test_iter(runner, 0, None, [data_sample(tmp_path / "in", "a")])
    assert drawn(runner) == ["a.png"]


def test_off_and_bad_arguments(runner, tmp_path):
    hook = PanopticPanelHook(0)
    hook.after_test_iter(runner, 0, None, [data_sample(tmp_path / "in", "a")])
    hook.after_test(runner)
    assert drawn(runner) == []
    with pytest.raises(ValueError, match="0 or more"):
        PanopticPanelHook(-1)


def test_only_rank_0_draws(runner, tmp_path, monkeypatch):
    monkeypatch.setattr("mmengine.dist.utils.is_main_process", lambda group=None: False)
    hook = PanopticPanelHook()
    hook.after_test_iter(runner, 0, None, [data_sample(tmp_path / "in", "a")])
    assert drawn(runner) == []


def test_a_broken_picture_is_named(tmp_path):
    sample = data_sample(tmp_path, "a")
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"a\.png cannot be decoded \(0 bytes\)"):
        read_panel(sample)


def test_the_visualizer_draws_the_panel_that_the_hook_writes(runner, tmp_path):
    """As MMDetection's hook and inferencer call it: to a file, or to the back ends."""
    sample = data_sample(tmp_path / "one", "a")
    PanopticPanelHook(1)._draw(runner, [sample], runner.test_dataloader)
    config = dict(type="PanopticVisualizer", name=str(tmp_path), save_dir=str(tmp_path / "seen"))
    visualizer = VISUALIZERS.build(config | dict(vis_backends=[dict(type="LocalVisBackend")]))
    visualizer.dataset_meta = META
    image = cv2.imread(sample.img_path)[..., ::-1]
    visualizer.add_datasample("a", image, sample, out_file=str(tmp_path / "own.png"))
    visualizer.add_datasample("a", image, sample, step=3)
    written = cv2.imread(str(tmp_path / "own.png"))
    by_backend = cv2.imread(str(tmp_path / "seen/vis_data/vis_image/a_3.png"))
    np.testing.assert_array_equal(written, by_backend)
    panel = cv2.imread(f"{runner.work_dir}/pictures/a.png")
    np.testing.assert_array_equal(written, panel)


def test_without_a_panoptic_prediction_it_is_mmdetections(tmp_path):
    visualizer = VISUALIZERS.build(dict(type="PanopticVisualizer", name=f"{tmp_path}-"))
    visualizer.dataset_meta = META
    visualizer.add_datasample(
        "a", np.zeros((30, 40, 3), np.uint8), DetDataSample(), out_file=str(tmp_path / "b.png")
    )
    assert cv2.imread(str(tmp_path / "b.png")).shape == (30, 80, 3)  # truth and prediction
