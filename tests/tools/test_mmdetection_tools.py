"""MMDetection's own programs take a config as print_config.py writes it."""

import json
import runpy
import sys
from pathlib import Path

import mmdet
import pytest
from mmdet.apis import DetInferencer, inference_detector, init_detector
from mmengine.config import Config
from mmengine.runner import Runner

from tests.conftest import SMALL, shapes_arch

TOOLS = Path(mmdet.__file__).parent / ".mim/tools"


@pytest.fixture(scope="module")
def resolved(shapes_root, tmp_path_factory):
    """A resolved config and a checkpoint of its network, and a picture."""
    folder = tmp_path_factory.mktemp("resolved")
    (folder / "arch.json").write_text(json.dumps(shapes_arch().to_dict()))
    options = SMALL | {"data_root": f"{shapes_root}/", "model.arch": f"{folder}/arch.json"}
    words = [f"{key}={value}" for key, value in options.items()]
    argv = ["print_config", "configs/auto_panoptic/shapes/retrain.py", "--cfg-options", *words]
    config = folder / "resolved.py"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", argv)
        with config.open("w") as out:
            patch.setattr(sys, "stdout", out)
            runpy.run_path("tools/misc/print_config.py", run_name="__main__")
    cfg = Config.fromfile(config)
    cfg.work_dir, cfg.train_cfg.max_iters = str(folder / "train"), 1
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    return config, folder / "train/iter_1.pth", next((shapes_root / "images/val").glob("*"))


def test_networks_and_inferencers_are_made_of_it(resolved, tmp_path):
    config, checkpoint, picture = map(str, resolved)
    model = init_detector(config, checkpoint, device="cpu")
    assert len(model.dataset_meta["classes"]) == 10
    assert inference_detector(model, picture).pred_panoptic_seg.sem_seg.shape == (1, 64, 64)
    inferencer = DetInferencer(config, checkpoint, device="cpu", show_progress=False)
    inferencer(picture, out_dir=str(tmp_path), no_save_pred=True)
    assert len(list(tmp_path.rglob("*.jpg"))) == 1


def test_its_tools_test_it_and_draw_its_pictures(resolved, tmp_path, monkeypatch, capsys):
    config, checkpoint, _ = map(str, resolved)
    monkeypatch.setattr(sys, "argv", ["test", config, checkpoint, "--work-dir", str(tmp_path)])
    runpy.run_path(str(TOOLS / "test.py"), run_name="__main__")
    (scores,) = tmp_path.rglob("*.json")
    assert "coco_panoptic/PQ" in json.loads(scores.read_text())
    argv = ["browse", config, "--output-dir", str(tmp_path / "drawn"), "--not-show"]
    monkeypatch.setattr(sys, "argv", argv)
    runpy.run_path(str(TOOLS / "analysis_tools/browse_dataset.py"), run_name="__main__")
    assert len(list((tmp_path / "drawn").iterdir())) == 12
