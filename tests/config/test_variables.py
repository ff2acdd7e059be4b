"""Variables of config files, in every form in which MMEngine lets a file name them."""

import pytest

from mmpanonas.config import ConfigError, load_config
from mmpanonas.config.judge.ranges import range_of
from mmpanonas.config.judge.variables import variables_of
from tests.conftest import SHAPES

HEAD = f'_base_ = "{SHAPES / "supernet.py"}"\n'

#: Files whose variable ``mine`` is read in a form, and what it says of itself.
READ = {
    "name": "mine = 3\ntrain_dataloader = dict(batch_size=mine)\n",
    "tuple": "mine, yours = 3, 4\ntrain_dataloader = dict(batch_size=mine, num_workers=yours)\n",
    "within": "if True:\n    mine = 3\ntrain_dataloader = dict(batch_size=mine)\n",
    "beside a nested literal": "mine = 3\n"
    "train_dataloader = {'batch_size': mine, 'sampler': {'seed': {{_base_.mine}}}}\n",
    "file name": "mine = 3\ntrain_dataloader = dict(batch_size=mine)\n"
    "work_dir = 'work_dirs/{{ fileBasenameNoExtension }}'\n",
    "environment": "mine = {{'$MMPANONAS_UNSET:3'}}\ntrain_dataloader = dict(batch_size=mine)\n",
}


def with_base(tmp_path, text: str):
    (tmp_path / "base.py").write_text(f"{HEAD}mine = 3\n")
    (tmp_path / "own.py").write_text(f'_base_ = "base.py"\n{text}')
    return tmp_path / "own.py"


@pytest.mark.parametrize("form", READ)
def test_a_variable_that_a_file_reads(tmp_path, form):
    path = with_base(tmp_path, READ[form])
    assert {"mine"} <= variables_of(path)
    cfg = load_config(path)
    assert cfg.train_dataloader.batch_size == 3
    if form == "file name":
        assert cfg.work_dir == "work_dirs/own"


def test_a_variable_of_a_base(tmp_path):
    for name in ("{{_base_.mine}}", "{{ _base_.mine }}"):
        path = with_base(tmp_path, f"train_dataloader = dict(batch_size={name})\n")
        assert load_config(path).train_dataloader.batch_size == 3
    path = with_base(tmp_path, "val_evaluator = {{ _base_.test_evaluator }}\nx = {'a': {'b': 1}}\n")
    assert variables_of(path).isdisjoint({"mine", "x"})  # nobody reads them
    with pytest.raises(ConfigError, match="mine"):
        load_config(path)


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_json_and_yaml_inherit(tmp_path, suffix):
    """They name no variables (MMEngine cannot read such files); their bases do."""
    with_base(tmp_path, READ["name"])
    path = tmp_path / f"last.{suffix}"
    path.write_text('{"_base_": "own.py", "train_dataloader": {"num_workers": 2}}')
    loader = load_config(path).train_dataloader
    assert (loader.batch_size, loader.num_workers) == (3, 2)


def test_a_pure_python_config_of_files_in_folders(tmp_path):
    """What ``read_base`` imports, by one name or all, from beside and from above."""
    load_config(SHAPES / "supernet.py").dump(tmp_path / "whole.py")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/sizes.py").write_text("mine = 3\n")
    (tmp_path / "parts/own.py").write_text(
        "from mmengine.config import read_base\n\nwith read_base():\n    from ..whole import *\n"
        "    from .sizes import mine\n\ntrain_dataloader.update(batch_size=mine)\n"
    )
    path = tmp_path / "parts/own.py"
    assert {"mine"} <= variables_of(path)
    assert load_config(path).train_dataloader.batch_size == 3
    with pytest.raises(ConfigError, match="mine is a variable of the config file"):
        load_config(path, {"mine": 4})
    path.write_text(path.read_text().replace("batch_size=mine", "batch_size=3"))
    with pytest.raises(ConfigError, match="mine"):
        load_config(path)


def test_what_a_division_gave_is_a_length(tmp_path):
    """MMDetection's configs of V3Det validate each 57300.0 iterations; MMEngine's loops do so."""
    for key in ("val_interval", "max_iters", "max_epochs"):
        kind = range_of(key, 1)
        assert kind.fits(57300.0)
        assert not any(map(kind.fits, (0.0, -2.0, 2.5, float("nan"), float("inf"), True)))
    assert not range_of("batch_size", 1).fits(2.0)
    path = tmp_path / "own.py"
    path.write_text(f"{HEAD}train_cfg = dict(val_interval=2400.0)\n")
    assert load_config(path).train_cfg.val_interval == 2400
