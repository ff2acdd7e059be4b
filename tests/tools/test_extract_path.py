"""A path as a network of its own: the same score, a beginning for training, refusals in a line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmpanonas.checkpoints.supernet import path_weights, supernet_file
from mmpanonas.config import load_config
from mmpanonas.errors import InputError
from mmpanonas.models import SearchableShuffleNetV2
from mmpanonas.recalibration import RecalibrationBatches
from mmpanonas.recalibration.recalibration import recalibrated
from mmpanonas.search.evaluator import evaluator_of_config
from mmpanonas.space import Arch
from tests import elastic_networks as elastic
from tests.conftest import SEED, SHAPES, SMALL
from tests.search.conftest import CONFIG, checkpoint  # noqa: F401
from tests.tools.conftest import one_line

BLOCKS = ("shuffle_3x3", "xception", "shuffle_7x7", "shuffle_5x5", "xception")
ARCH = Arch(BLOCKS * 2)
CHANGES = {"val_cfg.recalibration.num_images": 4, "val_cfg.recalibration.batch_size": 2}

#: Of a config without the search's recalibration.
NO_SEARCH = dict.fromkeys(CHANGES)


@pytest.fixture
def options(shapes_root, tmp_path):
    """Of small runs."""
    own = {"data_root": shapes_root, "work_dir": tmp_path / "work", "visualizer.name": tmp_path}
    return {key: str(value) for key, value in own.items()} | SMALL


@pytest.fixture
def extract(call_tool, checkpoint, options, tmp_path):  # noqa: F811
    """Run the tool; returns (exit code, stdout, stderr)."""

    def run(config=CONFIG, supernet=checkpoint, arch=ARCH, **changed):
        arch.dump(tmp_path / "arch.json")
        given = options | CHANGES | changed
        words = [f"{key}={value}" for key, value in given.items() if value is not None]
        places = [config, supernet, tmp_path / "arch.json", tmp_path / "path.pth"]
        return call_tool("tools/model_converters/extract_path.py", *places, "--cfg-options", *words)

    return run


@pytest.fixture
def alone(tmp_path):
    """The config of the network alone, at the supernet's widths, without recalibration."""
    path = tmp_path / "alone.py"
    path.write_text(
        f"_base_ = '{CONFIG.resolve()}'\n"
        f"model = dict(arch='{tmp_path / 'arch.json'}')\n"
        "val_cfg = dict(_delete_=True, type='ValLoop')\n"
        "default_hooks = dict(recalibration=None)\n"
    )
    return path


def test_it_scores_what_the_search_gave_the_path(
    extract,
    alone,
    call_tool,
    checkpoint,  # noqa: F811
    options,
    tmp_path,
):
    assert extract()[0] == 0
    cfg = load_config(str(CONFIG), options | CHANGES | {"load_from": str(checkpoint)})
    searched = evaluator_of_config(cfg.to_dict(), str(Path.cwd()))(ARCH)
    words = [f"{key}={value}" for key, value in options.items()]
    code, _, err = call_tool("tools/test.py", alone, tmp_path / "path.pth", "--cfg-options", *words)
    assert code == 0, err
    (written,) = (tmp_path / "work").glob("*/*.json")
    tested = json.loads(written.read_text())
    assert searched["coco_panoptic/PQ"] > 0
    assert {key: tested[key] for key in searched} == searched
    meta = torch.load(tmp_path / "path.pth", weights_only=True)["meta"]
    assert Arch.from_dict(meta["arch"]) == ARCH
    assert len(meta["dataset_meta"]["classes"]) == 10


def test_of_an_elastic_supernet_the_slices_of_the_path_are_taken(extract, options, tmp_path):
    config = SHAPES / "elastic_search_evolution.py"
    cfg = load_config(str(config), options | CHANGES)
    wide = elastic.supernet(cfg)
    torch.save(dict(state_dict=wide.state_dict()), tmp_path / "wide.pth")
    arch = wide.search_space.sample(np.random.default_rng(SEED))
    code, _, err = extract(config, tmp_path / "wide.pth", arch)
    assert code == 0, err
    alone = elastic.network(load_config(str(SHAPES / "elastic_retrain.py"), options), arch)
    alone.load_state_dict(torch.load(tmp_path / "path.pth", weights_only=True)["state_dict"])
    wide.set_arch(arch)
    with recalibrated(wide, RecalibrationBatches(**cfg.val_cfg.recalibration)):
        pairs = zip(elastic.outputs(wide), elastic.outputs(alone), strict=True)
        assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_training_begins_with_its_weights(alone, checkpoint, options, tmp_path):  # noqa: F811
    ARCH.dump(tmp_path / "arch.json")
    (checkpoint.parent / "last_checkpoint").write_text(str(checkpoint))
    cfg = load_config(str(alone), options | {"model.init_from_supernet": str(checkpoint.parent)})
    model = Runner.from_cfg(cfg).model
    model.init_weights()
    held = torch.load(checkpoint, weights_only=True)["state_dict"]
    own = model.state_dict()
    assert {"backbone.stages.0.1.xception", "backbone.stages.0.0.shuffle_3x3"} <= {
        ".".join(key.split(".")[:5]) for key in own
    }
    assert all(torch.equal(value, held[key]) for key, value in own.items())


@pytest.mark.parametrize("data", ["shapes", "custom", "custom_full", "coco", "ade20k"])
def test_configs_build_networks_of_their_supernets_widths(data):
    folder = SHAPES.parent / data
    names = ("retrain_from_supernet", "supernet")
    alone, supernet = (Config.fromfile(folder / f"{name}.py").model for name in names)
    assert alone.pop("arch")
    assert alone.pop("init_from_supernet")
    assert alone == {key: value for key, value in supernet.items() if key != "arch"}


def test_what_the_tool_does_not_take_is_a_line(extract, alone, tmp_path):
    message = one_line(extract(arch=Arch(BLOCKS)))
    assert "5" in message
    assert "10" in message
    assert "recalibrates no batch norms" in one_line(extract(alone, **NO_SEARCH))
    assert not (tmp_path / "path.pth").exists()


def backbone(arch: Arch | None = None, channels=(4, 8, 12, 16, 20)) -> SearchableShuffleNetV2:
    return SearchableShuffleNetV2(arch, channels, (2, 1, 2, 1))


SIX = Arch(("xception", "shuffle_7x7", "shuffle_3x3", "xception", "shuffle_5x5", "xception"))


def test_weights_that_do_not_fill_the_network_are_refused():
    held = backbone().state_dict()
    assert path_weights(backbone(SIX), held).keys() == backbone(SIX).state_dict().keys()
    with pytest.raises(InputError, match=r"NaN or infinite values in 1 of"):
        path_weights(backbone(SIX), held | {"stem.conv.bias": torch.full((4,), torch.nan)})
    with pytest.raises(InputError, match=r"here\): weights are neither cut nor repeated, so give"):
        path_weights(backbone(SIX, (4, 12, 16, 20, 24)), held)
    other = backbone(Arch(("shuffle_3x3",) * 6)).state_dict()
    with pytest.raises(
        InputError, match=r"lacks \d+ of .* a fixed network of 6 .* give the supernet"
    ):
        path_weights(backbone(SIX), other)


def test_a_work_dir_stands_for_its_last_checkpoint(tmp_path):
    with pytest.raises(InputError, match="is a folder; give a file"):
        supernet_file(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        supernet_file(tmp_path / "supernet.pth")
    torch.save(dict(state_dict={}), tmp_path / "iter_12.pth")
    (tmp_path / "last_checkpoint").write_text("elsewhere/iter_12.pth")
    assert supernet_file(tmp_path) == str(tmp_path / "iter_12.pth")
