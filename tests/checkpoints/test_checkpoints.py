"""Pretrained weights: every one arrives in the backbone, or one error says why not."""

import pytest
import torch
from mmdet.registry import MODELS

from mmpanonas.errors import InputError
from mmpanonas.models import SearchableShuffleNetV2

WIDTHS = dict(channels=(4, 8, 12, 16, 20), blocks=(1, 1, 1, 1))
ARCH = dict(backbone=["xception", "shuffle_7x7", "shuffle_3x3", "shuffle_5x5"])


def weights(**changes) -> dict[str, torch.Tensor]:
    """Random values by the names of a backbone."""
    state = SearchableShuffleNetV2(**WIDTHS | changes).state_dict()
    return {k: torch.rand(v.shape).to(v.dtype) for k, v in state.items()}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """A function from a file's weights to a backbone that loads them, and what was logged."""

    def load(file: dict, prefix: str = "backbone.", **changes):
        path, lines = tmp_path / "file.pth", []
        torch.save(dict(state_dict=file), path)
        monkeypatch.setattr(
            "mmpanonas.checkpoints.pretrained.print_log", lambda text, **_: lines.append(text)
        )
        init_cfg = dict(type="PretrainedBackbone", checkpoint=str(path), prefix=prefix)
        network = SearchableShuffleNetV2(**WIDTHS | changes, init_cfg=init_cfg)
        network.init_weights()
        (line,) = lines
        return network.state_dict(), line.replace(str(path), "FILE")

    return load


def prefixed(state: dict, prefix: str = "backbone.") -> dict:
    return {prefix + key: value for key, value in state.items()}


def assert_equal(state: dict, expected: dict) -> None:
    for key, value in state.items():
        assert torch.equal(value, expected[key]), key


def test_a_supernet_fills_a_supernet(load):
    theirs = weights()
    head = {"head.fc.weight": torch.zeros(3, 20), "head.fc.bias": torch.zeros(3)}
    ours, line = load(prefixed(theirs) | head)
    assert_equal(ours, theirs)
    assert line == (
        f"SearchableShuffleNetV2: all {len(ours)} weights loaded from FILE, which holds a supernet "
        f"of 4 searched layers; in the file and not loaded: 2 of head"
    )


def test_a_fixed_backbone_takes_its_operations_from_a_supernet(load):
    theirs = weights()
    ours, line = load(prefixed(theirs), arch=ARCH)
    assert_equal(ours, theirs)
    assert line.endswith(f"not loaded: {len(theirs) - len(ours)} of backbone")


def test_another_prefix_and_nothing_left_over(load):
    theirs = weights(arch=ARCH)
    ours, line = load(prefixed(theirs, "student.net."), "student.net.", arch=ARCH)
    assert_equal(ours, theirs)
    assert "a fixed network of 4 searched layers (xception, shuffle_7x7" in line
    assert line.endswith("in the file and not loaded: nothing")


def test_counts_of_batches_may_lack(load):
    theirs = {k: v for k, v in weights().items() if not k.endswith("num_batches_tracked")}
    ours, _ = load(prefixed(theirs))
    assert_equal({key: ours[key] for key in theirs}, theirs)


@pytest.mark.parametrize(
    ("theirs", "ours", "message"),
    [
        (
            dict(arch=ARCH),
            {},
            r"lacks \d+ of the backbone's \d+ weights .*: it holds a fixed network of 4 .* the "
            "config builds a supernet of 4",
        ),
        (dict(arch=ARCH), dict(arch=dict(backbone=["xception"] * 4)), "fixed network .* fixed"),
        (dict(blocks=(1, 1, 1, 2)), dict(blocks=(1, 1, 2, 1)), "lacks"),
        (
            {},
            dict(channels=(6, 8, 12, 16, 20)),
            r"stem.conv.weight is \(4, 3, 3, 3\) there and \(6, 3, 3, 3\) here",
        ),
    ],
)
def test_a_backbone_that_the_file_does_not_fill_is_refused(load, theirs, ours, message):
    with pytest.raises(InputError, match=message):
        load(prefixed(weights(**theirs)), **ours)


def test_a_file_without_a_backbone_is_refused(load):
    with pytest.raises(InputError, match=r"holds none of the backbone's .* but 2 of conv, 1 of fc"):
        load({"conv.weight": torch.ones(1), "conv.bias": torch.ones(1), "fc": torch.ones(1)})


def test_files_that_cannot_be_read_are_refused(tmp_path):
    path = tmp_path / "cut.pth"
    torch.save(dict(state_dict=prefixed(weights())), path)
    path.write_bytes(path.read_bytes()[:-500])
    for name, message in ((path, "is cut short"), (tmp_path / "none.pth", "does not exist")):
        init_cfg = dict(type="PretrainedBackbone", checkpoint=str(name))
        network = SearchableShuffleNetV2(**WIDTHS, init_cfg=init_cfg)
        with pytest.raises(InputError, match=message):
            network.init_weights()


def test_the_backbone_of_a_whole_detector_is_taken(load, shapes_config):
    config = shapes_config("supernet").model
    detector = MODELS.build(config)
    ours, line = load(
        detector.state_dict(), channels=config.backbone.channels, blocks=config.backbone.blocks
    )
    assert_equal(ours, detector.backbone.state_dict())
    for part in ("neck", "rpn_head", "roi_head", "semantic_head"):
        assert f" of {part}" in line


def test_pretrained_of_mmengine_says_what_it_does_not_take(tmp_path, monkeypatch):
    path, lines, theirs = tmp_path / "file.pth", [], weights()
    monkeypatch.setattr(
        "mmpanonas.checkpoints.pretrained.print_log", lambda text, **_: lines.append(text)
    )

    def load(file: dict, **options) -> dict:
        torch.save(dict(state_dict=file), path)
        init_cfg = dict(type="Pretrained", checkpoint=str(path), **options)
        network = SearchableShuffleNetV2(**WIDTHS, init_cfg=init_cfg)
        network.init_weights()
        return network.state_dict()

    assert_equal(load(theirs), theirs)
    assert_equal(load(prefixed(theirs), prefix="backbone"), theirs)
    assert lines == []
    lacking = {key: value for key, value in theirs.items() if not key.startswith("stem.")}
    assert_equal(lacking, load(lacking | {"head.bias": torch.ones(1)}))
    (line,) = lines
    assert "init_cfg" in line
    assert "it lacks" in line
    assert "1 that are not here" in line
    with pytest.raises(InputError, match=r"nothing of the checkpoint .*init_cfg.* fits"):
        load(prefixed(theirs))
    with pytest.raises(InputError, match=r"begins with prefix='neck': it holds .* of backbone"):
        load(prefixed(theirs), prefix="neck")
