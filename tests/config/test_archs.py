"""Architectures that a config names: from any folder, in any form, as choices."""

import pytest

from mmpanonas.config import ConfigError, check_archs, load_config
from mmpanonas.space import Arch, ArchError
from tests.conftest import ROOT, shapes_arch

AUTO = ROOT / "configs/auto_panoptic"
SHAPES = AUTO / "shapes"


@pytest.mark.parametrize("data", ["coco", "ade20k"])
def test_shipped_configs_find_their_architecture_from_anywhere(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own.py"
    own.write_text(f'_base_ = "{AUTO}/{data}/retrain.py"')
    for path in (own, AUTO / data / "retrain.py"):
        cfg = load_config(path)
        assert cfg.model.arch == Arch.load(AUTO / f"archs/{data}.json").to_dict()
        check_archs(cfg)


def test_what_is_dumped_holds_the_choices(tmp_path):
    """A later search replaces the file; the dumped config means what it meant."""
    file, arch = tmp_path / "arch.json", shapes_arch()
    arch.dump(file)
    cfg = load_config(SHAPES / "retrain.py", {"model.arch": str(file)})
    cfg.dump(tmp_path / "dumped.py")
    shapes_arch("xception", "at_5x5").dump(file)
    assert load_config(tmp_path / "dumped.py").model.arch == arch.to_dict()
    assert str(file) not in cfg.pretty_text


@pytest.mark.parametrize("form", ["path", "string", "dictionary", "Arch", "published"])
def test_each_form_from_options(form, tmp_path):
    arch = shapes_arch()
    arch.dump(tmp_path / "arch.json")
    given = {
        "path": tmp_path / "arch.json",
        "string": str(tmp_path / "arch.json"),
        "dictionary": arch.to_dict(),
        "Arch": arch,
        "published": arch.to_dict(),
    }[form]
    for name in ("retrain", "supernet"):  # a path, None
        cfg = load_config(SHAPES / f"{name}.py", {"model.arch": given})
        assert cfg.model.arch == arch.to_dict()


@pytest.mark.parametrize("name", ["retrain", "supernet"])
def test_a_file_may_write_the_dictionary(name, tmp_path):
    own, arch = tmp_path / "own.py", shapes_arch()
    own.write_text(f'_base_ = "{SHAPES}/{name}.py"\nmodel = dict(arch={arch.to_dict()})')
    assert load_config(own).model.arch == arch.to_dict()
    key = {"model.arch.backbone.0": "xception"}
    changed = load_config(own, key).model.arch
    assert changed.backbone == ["xception", *arch.backbone[1:]]
    assert changed.mask_head == list(arch.mask_head)
    other = shapes_arch("xception").to_dict()
    assert load_config(own, {"model.arch": other}).model.arch == other


def test_a_part_alone_and_parts_that_are_not_ours(tmp_path):
    shapes_arch().dump(tmp_path / "arch.json")
    keys = {"model.backbone.arch": str(tmp_path / "arch.json")}
    assert load_config(SHAPES / "supernet.py", keys).model.backbone.arch["semantic_head"]
    own = tmp_path / "own.py"
    own.write_text(
        f'_base_ = "{SHAPES}/retrain.py"\n'
        'model = dict(arch=None, backbone=dict(_delete_=True, type="CSPNeXt", arch="P5"))'
    )
    assert load_config(own).model.backbone.arch == "P5"


def test_an_absent_file_is_named_before_any_work():
    cfg = load_config(SHAPES / "retrain.py", {"model.arch": "no/where.json"})
    with pytest.raises(ArchError, match=r"model\.arch: architecture file no/where\.json does not"):
        check_archs(cfg)
    with pytest.raises(ArchError, match="unknown part"):
        load_config(SHAPES / "retrain.py", {"model.arch": {"bakbone": ["xception"]}})
    with pytest.raises((ArchError, ConfigError)):
        load_config(SHAPES / "retrain.py", {"model.arch": 3})
