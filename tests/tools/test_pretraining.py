"""ImageNet pretraining by tools/train.py, and its weights in the configs of detection.

MMPretrain imports torchvision, whose build on PyPI cannot be imported beside a CPU build of torch
unless its operators are declared. They are here, and never called; the project declares nothing.
"""

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmpanonas.config import load_config
from mmpanonas.space import Arch, Part, SearchSpace
from tests.conftest import SMALL, shapes_arch
from tests.tools.conftest import one_line

CONFIGS = "configs/auto_panoptic/imagenet"
CHANNELS = (4, 8, 12, 16, 20)

_BACKWARD = ("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d")
OPERATORS = (
    *("nms", "qnms", "qroi_align", "qroi_pool", *_BACKWARD),
    *(f"_{name}_backward" for name in _BACKWARD),
)
#: Operators last as long as what declared them.
DECLARED: list[torch.library.Library] = []


@pytest.fixture(scope="module")
def mmpretrain():
    """MMPretrain within reach: from where tools/setup.sh installed it, if it is nowhere else."""
    sys.path.append(str(Path(sys.prefix) / "pretrain"))
    if not all(importlib.util.find_spec(name) for name in ("mmpretrain", "torchvision")):
        pytest.skip("onedl-mmpretrain and torchvision are not installed: requirements-pretrain.txt")
    folder = Path(importlib.util.find_spec("torchvision").origin).parent
    try:
        torch.ops.load_library(folder / "_C.so")
    except OSError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in OPERATORS:
            library.define(f"{name}(Tensor input) -> Tensor")
        DECLARED.append(library)
    yield
    sys.path.remove(str(Path(sys.prefix) / "pretrain"))


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory) -> Path:
    """ImageNet's folders with three classes, each of two pictures of noise on its own colour."""
    root, rng = tmp_path_factory.mktemp("imagenet"), np.random.default_rng(0)
    for split in ("train", "val"):
        for place, name in enumerate(("n01440764", "n01443537", "n01484850")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(2):
                picture = rng.integers(0, 100, (48, 60, 3), dtype=np.uint8)
                picture[..., place] += 150
                cv2.imwrite(str(folder / f"{name}_{number}.JPEG"), picture)
    return root


@pytest.fixture
def train(mmpretrain, imagenet, call_tool, tmp_path):
    """A function that trains a config, very narrow; returns the states of its checkpoints."""

    def train(name: str, **options) -> list[dict]:
        chosen = SMALL | {
            "data_root": f"{imagenet}/",
            "train_dataloader.dataset.pipeline.1.scale": 32,
            "val_evaluator.topk": "(1,)",
            "model.backbone.channels": CHANNELS,
            "model.backbone.blocks": "(1,1,1,1)",
            "model.head.in_channels": CHANNELS[-1],
            "model.head.num_classes": 3,
        }
        words = [f"{k}={v}".replace(" ", "") for k, v in (chosen | options).items()]
        work_dir = tmp_path / name
        code, _, err = call_tool(
            "tools/train.py",
            f"{CONFIGS}/{name}.py",
            "--work-dir",
            work_dir,
            "--cfg-options",
            *words,
        )
        init_default_scope("mmdet")  # which the run has changed
        assert code == 0, err[-3000:]
        return [
            torch.load(path, weights_only=False)["state_dict"]
            for path in sorted(work_dir.glob("iter_*.pth"))
        ]

    return train


def trained(before: dict, after: dict) -> set[tuple[int, str]]:
    """(searched layer, operation) of every convolution that a step changed."""
    return {
        (int(key.split(".")[2]), key.split(".")[4])
        for key, value in after.items()
        if "stages" in key and key.endswith("conv.weight") and not torch.equal(before[key], value)
    }


@pytest.mark.parametrize("hook", ["StrictFairnessHook", "UniformSamplingHook"])
def test_two_steps_train_the_operations_of_their_paths(train, hook):
    states = train(
        "supernet",
        **{
            "train_cfg.max_iters": 8,
            "default_hooks.checkpoint.interval": 4,
            "default_hooks.fairness.type": hook,
        },
    )
    space = SearchSpace([Part("backbone", 4)])
    paths = {"StrictFairnessHook": space.fair_paths, "UniformSamplingHook": space.uniform_paths}
    expected = {place for path in paths[hook](0, 1) for place in enumerate(path.backbone)}
    assert (len(expected) == 16) == (hook == "StrictFairnessHook")
    assert trained(*states) == expected
    assert not torch.equal(states[0]["head.fc.weight"], states[1]["head.fc.weight"])


def test_a_searched_backbone_trains_and_is_validated(train, tmp_path):
    path = tmp_path / "arch.json"  # of a search over all parts
    blocks = ("xception", "shuffle_7x7", "shuffle_3x3", "shuffle_5x5")
    Arch(blocks, ("dw_3x3",) * 2, ("df_5x5",), ("r4",) * 4, ("r8",) * 5).dump(path)
    options = {"train_cfg.max_iters": 2, "default_hooks.checkpoint.interval": 1}
    states = train(
        "retrain", **options | {"model.backbone.arch": path, "train_cfg.val_interval": 2}
    )
    assert trained(*states) == set(enumerate(blocks))
    assert {k.split(".")[4] for k in states[1] if "stages" in k} == set(blocks)
    (log,) = (tmp_path / "retrain").glob("*/*.log")
    assert "accuracy/top1: " in log.read_text()


def test_pretrained_weights_in_detection(train, shapes_config, tmp_path, monkeypatch):
    """One line of a config: a supernet into a supernet, and into a fixed network as wide."""
    (state,) = train(
        "supernet", **{"train_cfg.max_iters": 4, "default_hooks.checkpoint.interval": 4}
    )
    lines = []
    monkeypatch.setattr(
        "mmpanonas.checkpoints.pretrained.print_log", lambda text, **_: lines.append(text)
    )
    checkpoint = str(tmp_path / "supernet/iter_4.pth")
    arch = tmp_path / "arch.json"
    shapes_arch().replace(backbone=("xception",) * 4).dump(arch)
    for name in ("supernet", "retrain"):
        config = shapes_config(
            name,
            **{
                "model.backbone.init_cfg": dict(type="PretrainedBackbone", checkpoint=checkpoint),
                "model.backbone.channels": CHANNELS,
                "model.backbone.blocks": (1, 1, 1, 1),
                "model.neck.in_channels": list(CHANNELS[1:]),
                "model.arch": str(arch) if name == "retrain" else None,
            },
        )
        detector = MODELS.build(config.model)
        detector.init_weights()
        loaded = detector.backbone.state_dict()
        for key, value in loaded.items():
            assert torch.equal(value, state[f"backbone.{key}"]), key
        assert f"all {len(loaded)} weights loaded from {checkpoint}" in lines[-1]
    assert lines[0].endswith("in the file and not loaded: 2 of head")
    assert lines[1].endswith(" of backbone, 2 of head")


def test_schedules_are_the_papers(mmpretrain):
    for name, iterations, batch, lr in (
        ("supernet", 300_000, 1024, 0.5),
        ("retrain", 600_000, 512, 0.25),
    ):
        config = load_config(f"{CONFIGS}/{name}.py")
        assert config.train_cfg.max_iters == config.param_scheduler[0].end == iterations
        assert (
            config.train_dataloader.batch_size * 8 == batch == config.auto_scale_lr.base_batch_size
        )
        optimizer = dict(type="SGD", lr=lr, momentum=0.9, weight_decay=4e-5)
        assert config.optim_wrapper.optimizer == optimizer
        assert config.model.head.loss == dict(type="LabelSmoothLoss", label_smooth_val=0.1)


@pytest.mark.parametrize("name", ["supernet", "retrain"])
def test_backbone_and_pixels_are_the_detectors(mmpretrain, name):
    ours, detection = (
        load_config(f"configs/auto_panoptic/{data}/{name}.py").model
        for data in ("imagenet", "coco")
    )
    for key in ("channels", "blocks", "shuffle"):
        assert ours.backbone[key] == detection.backbone[key]
    assert ours.head.in_channels == ours.backbone.channels[-1]
    for key in ("mean", "std"):
        assert ours.data_preprocessor[key] == detection.data_preprocessor[key]
    assert ours.data_preprocessor.to_rgb == detection.data_preprocessor.bgr_to_rgb


def test_folders_of_classes_that_do_not_fit(mmpretrain, imagenet, call_tool, tmp_path):
    def refuse(root: Path) -> str:
        options = ["--work-dir", tmp_path / "out", "--cfg-options", f"data_root={root}/"]
        return one_line(call_tool("tools/train.py", f"{CONFIGS}/supernet.py", *options))

    assert f"{imagenet}/train holds 3 folders of classes, but model.head.num_classes is 1000" in (
        refuse(imagenet)
    )
    assert f"{tmp_path}/train does not exist; expected ImageNet's layout" in refuse(tmp_path)


def test_without_mmpretrain_the_error_says_what_to_install(call_tool, monkeypatch):
    monkeypatch.delitem(sys.modules, "mmpanonas.models.classifier", raising=False)
    for name in ("mmpretrain", "mmpretrain.models"):
        monkeypatch.setitem(sys.modules, name, None)
    message = one_line(call_tool("tools/train.py", f"{CONFIGS}/supernet.py"))
    assert "needs onedl-mmpretrain and torchvision" in message
    assert "pip install -e '.[pretrain]'" in message
