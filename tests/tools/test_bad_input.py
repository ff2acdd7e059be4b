"""Bad input: one clear error each, on stderr, with exit code 2, before any long work."""

import json
import re
import runpy
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from mmpanonas.panoptic.png import read_panoptic_png, write_panoptic_png
from tests.conftest import ROOT, SMALL, shapes_arch

CONFIGS = "configs/auto_panoptic/shapes"


@pytest.fixture
def data(shapes_root, tmp_path) -> Path:
    """A copy of the data set, to be damaged."""
    return Path(shutil.copytree(shapes_root, tmp_path / "data"))


@pytest.fixture
def refuse(monkeypatch, capsys, tmp_path):
    """A function that runs a tool, which must fail, and returns its one error message."""

    def run(script: str, *args, data: Path, work_dir: Path | None = None, **options) -> str:
        chosen = SMALL | dict(data_root=f"{data}/") | options
        words = [f"tools/{script}", *map(str, args)]
        words += ["--work-dir", str(work_dir or tmp_path / "work"), "--cfg-options"]
        words += [f"{key}={value}" for key, value in chosen.items()]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as stopped:
            runpy.run_path(str(ROOT / "tools" / script), run_name="__main__")
        assert stopped.value.code == 2
        error = capsys.readouterr().err.strip().splitlines()
        assert [line for line in error if line.startswith("error: ")] != []
        return "\n".join(error[[line.startswith("error: ") for line in error].index(True) :])

    return run


def train_json(data: Path) -> Path:
    return data / "annotations/panoptic_nas_train.json"


def edit(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def first_png(data: Path) -> Path:
    name = json.loads(train_json(data).read_text())["annotations"][0]["file_name"]
    return data / "annotations/panoptic_train" / name


def first_picture(data: Path) -> Path:
    return (
        data / "images/train" / json.loads(train_json(data).read_text())["images"][0]["file_name"]
    )


def remove_json(data: Path) -> None:
    train_json(data).unlink()


def cut_json(data: Path) -> None:
    train_json(data).write_text(train_json(data).read_text()[:-200])


def remove_png(data: Path) -> None:
    first_png(data).unlink()


def cut_png(data: Path) -> None:
    first_png(data).write_bytes(first_png(data).read_bytes()[:-60])


def remove_picture(data: Path) -> None:
    first_picture(data).unlink()


def cut_picture(data: Path) -> None:
    first_picture(data).write_bytes(first_picture(data).read_bytes()[:-60])


def add_unlisted_id(data: Path) -> None:
    ids = read_panoptic_png(first_png(data))
    ids[:9, :9] = 7_654_321
    write_panoptic_png(first_png(data), ids)


def change_category(data: Path) -> None:
    def change(content: dict) -> None:
        content["annotations"][0]["segments_info"][0]["category_id"] = 999

    edit(train_json(data), change)


def resize_png(data: Path) -> None:
    write_panoptic_png(first_png(data), read_panoptic_png(first_png(data))[:50])


def resize_picture(data: Path) -> None:
    cv2.imwrite(str(first_picture(data)), np.zeros((32, 32, 3), np.uint8))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove_json, ["panoptic_nas_train.json", "exist"]),
        (cut_json, ["panoptic_nas_train.json", "JSON"]),
        (remove_png, [".png"]),
        (cut_png, [".png", "truncated"]),
        (remove_picture, [".jpg"]),
        (cut_picture, [".jpg", "truncated"]),
        (add_unlisted_id, [".png", "7654321"]),
        (change_category, ["999"]),
        (resize_png, [".png", "50"]),
        (resize_picture, [".jpg", "32"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_damaged_data_is_named_before_training(data, refuse, damage, words):
    damage(data)
    error = refuse("train.py", f"{CONFIGS}/supernet.py", data=data)
    for word in words:
        assert word in error, error


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"backbone": ["xception"]}', "expected 10 choices, got 1"),
        ('{"backbone": ["shuffle_9x9"]}', "unknown choice 'shuffle_9x9'"),
        ('{"mask_head": ["dw_3x3"]}', "lacks backbone, which this model has"),
        ('{"backbone": ["xcep', "arch.json"),
        ("", "arch.json"),
    ],
)
def test_bad_architecture_files(shapes_root, refuse, tmp_path, content, message):
    path = tmp_path / "arch.json"
    path.write_text(content)
    options = {"model.arch": path}
    error = refuse("train.py", f"{CONFIGS}/retrain.py", data=shapes_root, **options)
    assert message in error


def test_an_architecture_of_another_space(shapes_root, refuse):
    options = {"model.arch": "configs/auto_panoptic/archs/coco.json"}
    error = refuse("train.py", f"{CONFIGS}/retrain.py", data=shapes_root, **options)
    assert error == "error: backbone: expected 10 choices, got 40"


def test_class_counts_that_differ_from_the_data(shapes_root, refuse):
    options = {"model.roi_head.bbox_head.num_classes": 80}
    error = refuse("train.py", f"{CONFIGS}/supernet.py", data=shapes_root, **options)
    assert "num_classes is 80" in error
    assert "6 classes of things" in error


def test_missing_files(shapes_root, refuse):
    error = refuse("train.py", "configs/none.py", data=shapes_root)
    assert "config: expected a file, got 'configs/none.py', which does not exist" in error
    error = refuse("search.py", f"{CONFIGS}/search_evolution.py", "none.pth", data=shapes_root)
    assert "expected a file or a URL, got 'none.pth', which does not exist" in error


def test_a_config_without_a_search(shapes_root, refuse, tmp_path):
    path = tmp_path / "some.pth"
    torch.save({}, path)
    error = refuse("search.py", f"{CONFIGS}/supernet.py", path, data=shapes_root)
    assert "holds no search" in error


def test_unwritable_work_dir_and_full_disk(shapes_root, refuse, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    config = f"{CONFIGS}/supernet.py"
    error = refuse("train.py", config, data=shapes_root, work_dir=tmp_path / "file/below")
    assert "argument --work-dir: expected a name for a folder, got" in error
    assert f"which lies below '{tmp_path}/file', no folder" in error

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    error = refuse("train.py", config, data=shapes_root)
    assert "No space left on device" in error


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, so AMP works")
def test_amp_without_a_gpu(shapes_root, refuse):
    error = refuse("train.py", f"{CONFIGS}/supernet.py", "--amp", data=shapes_root)
    assert "--amp needs a GPU" in error


def test_a_checkpoint_that_is_none(shapes_root, refuse, tmp_path):
    path = tmp_path / "cut.pth"
    torch.save(dict(state_dict={"a": torch.zeros(1000)}), path)
    path.write_bytes(path.read_bytes()[:-500])
    error = refuse("search.py", f"{CONFIGS}/search_evolution.py", path, data=shapes_root)
    assert "cut.pth is cut short" in error
    config = f"{CONFIGS}/supernet.py"
    for words, options in (
        (["--resume", path], {}),
        ([], dict(load_from=path)),
        (["--resume"], {}),
    ):
        (tmp_path / "work").mkdir(exist_ok=True)
        (tmp_path / "work/last_checkpoint").write_text(str(path))
        error = refuse("train.py", config, *words, data=shapes_root, **options)
        assert "cut.pth is cut short: copy it again, or take an older one" in error


@pytest.fixture(scope="module")
def supernet() -> dict[str, torch.Tensor]:
    """Weights at random of the supernet of shapes."""
    return MODELS.build(Config.fromfile(f"{CONFIGS}/supernet.py").model).state_dict()


@pytest.mark.parametrize(
    ("tool", "config", "change", "words"),
    [
        ("search", "search_evolution", lambda s: s.update(extra=torch.ones(1)), "1 of extra"),
        ("search", "search_evolution", lambda s: s["neck.fpn_convs.0.gn.bias"].div_(0), "NaN"),
        ("test", "supernet", lambda s: None, "builds a supernet.*--arch"),
        ("train", "supernet", lambda s: (s.clear(), s.update(a=torch.ones(1))), "nothing .* fits"),
    ],
)
def test_a_checkpoint_that_does_not_fit(
    shapes_root, refuse, tmp_path, supernet, tool, config, change, words
):
    state = {key: value.clone() for key, value in supernet.items()}
    change(state)
    path = tmp_path / "some.pth"
    torch.save(dict(state_dict=state, meta={}), path)
    given, options = ([], dict(load_from=path)) if tool == "train" else ([path], {})
    error = refuse(f"{tool}.py", f"{CONFIGS}/{config}.py", *given, data=shapes_root, **options)
    assert re.search(words, error)
    assert not (tmp_path / "work/results.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model.neck.norm_cfg.num_groups": 7}, "'s FPN cannot be built: ValueError: num_channels"),
        ({"model.roi_head.mask_head.norm_cfg.num_groups": 5}, "Head cannot be built: ValueError"),
    ],
)
def test_what_a_constructor_refuses_is_one_line(shapes_root, refuse, options, said):
    message = refuse("train.py", f"{CONFIGS}/supernet.py", data=shapes_root, **options)
    assert said in message
    assert "Traceback" not in message


def test_a_misspelt_metric_is_found_before_the_first_candidate(shapes_root, refuse, tmp_path):
    torch.save({}, tmp_path / "some.pth")
    options = {"val_cfg.metric": "coco_panoptic/pq"}
    search = f"{CONFIGS}/search_evolution.py"
    error = refuse("search.py", search, tmp_path / "some.pth", data=shapes_root, **options)
    assert "val_cfg.metric: expected one of coco_panoptic/PQ, " in error
    assert "got 'coco_panoptic/pq'; the nearest is coco_panoptic/PQ" in error


def test_nan_loss_stops_and_names_no_checkpoint_of_the_same_weights(shapes_root, refuse, tmp_path):
    options = {"optim_wrapper.optimizer.lr": 1e30, "param_scheduler": "[]"}
    options |= {"optim_wrapper.clip_grad": "None", "train_cfg.max_iters": 60}
    error = refuse("train.py", f"{CONFIGS}/supernet.py", data=shapes_root, **options)
    assert "became NaN or infinite at iteration" in error
    assert "backbone" in error
    # The first step, at iteration 12, was the bad one: what was saved then is no way back.
    assert "no checkpoint from before the trouble is in" in error
    state = torch.load(tmp_path / "work/iter_12.pth", weights_only=False)["state_dict"]
    assert len(state) > 100
    assert not (tmp_path / "work/iter_60.pth").exists()


def blank(data: Path, split: str, keep_stuff: bool) -> None:
    """Make every second picture hold no instances, or nothing but void."""
    path = data / f"annotations/panoptic_{split}.json"

    def change(content: dict) -> None:
        for annotation in content["annotations"][::2]:
            folder = "train" if "train" in split or "nas" in split else split
            png = data / f"annotations/panoptic_{folder}" / annotation["file_name"]
            ids = read_panoptic_png(png)
            kept = [s for s in annotation["segments_info"] if keep_stuff and s["category_id"] > 6]
            ids[~np.isin(ids, [s["id"] for s in kept])] = 0
            write_panoptic_png(png, ids)
            annotation["segments_info"] = kept

    edit(path, change)


@pytest.mark.parametrize("keep_stuff", [True, False])
def test_pictures_without_instances_or_with_void_only_are_fine(data, tmp_path, keep_stuff):
    from mmengine.runner import Runner

    from mmpanonas.config import check_data, load_config

    for split in ("train", "val"):
        blank(data, split, keep_stuff)
    shapes_arch().dump(tmp_path / "arch.json")
    options = SMALL | {"data_root": str(data), "work_dir": str(tmp_path / "work")}
    options |= {"model.arch": str(tmp_path / "arch.json"), "train_cfg.val_interval": 12}
    options |= {"train_dataloader.batch_size": 1}
    cfg = load_config(f"{CONFIGS}/retrain.py", options)
    check_data(cfg, ("train_dataloader", "val_dataloader"))
    runner = Runner.from_cfg(cfg)
    runner.train()
    metrics = runner.message_hub.get_scalar("val/coco_panoptic/PQ").current()
    assert 0 <= metrics <= 100
