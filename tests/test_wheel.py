"""The wheel, installed in a folder of its own and used away from the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from mmengine.config import Config

import mmpanonas.register  # noqa: F401
from tests.conftest import ROOT

pytestmark = pytest.mark.timeout(300)  # a build and a training, each a process


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that the wheel is installed in."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # setuptools leaves a folder, whose files it takes the next time
    for name in ("mmpanonas", "configs", "tools", "demo"):
        shutil.copytree(ROOT / name, source / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", "model-index.yml"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "-w", folder]
    subprocess.run([*pip, "wheel", *options, source], check=True)
    (wheel,) = folder.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "mmpanonas/.mim/model-index.yml" in names
    assert "mmpanonas/.mim/configs/auto_panoptic/archs/coco.json" in names
    assert not any(name.endswith(".pyc") for name in names)
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


def run(installed, folder, *words):
    """Run the console command, whose package is not the checkout's; its output."""
    env = os.environ | dict(PYTHONPATH=str(installed))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", installed / "bin/mmpanonas", *map(str, words)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_config_of_ones_own_inherits_a_shipped_one(installed, tmp_path, shapes_root):
    config = tmp_path / "mine_supernet.py"
    config.write_text(
        '_base_ = "mmpanonas::auto_panoptic/shapes/supernet.py"\n'
        f'data_root = "{shapes_root}/"\n'
        "max_iters = 12\n"
        "train_dataloader = dict(num_workers=0, persistent_workers=False)\n"
    )
    code, out, err = run(installed, tmp_path, "train", config.name)
    assert code == 0, err
    assert list(tmp_path.glob("work_dirs/*/iter_12.pth"))
    assert "architectures" in out


def test_shipped_configs_have_a_name_everywhere(installed, tmp_path):
    name = "mmpanonas::auto_panoptic/coco/retrain.py"
    code, out, err = run(installed, tmp_path, "get_flops", name, "--json")
    assert code == 0, err
    assert "backbone" in out
    code, _, err = run(installed, tmp_path, "get_flops", "mmpanonas::coco/nothing.py")
    assert code == 2
    assert "does not exist" in err


def test_mmengine_reads_it_once_the_project_is_registered(tmp_path):
    config = tmp_path / "mine.py"
    config.write_text('_base_ = "mmpanonas::auto_panoptic/shapes/supernet.py"\n')
    assert Config.fromfile(config).model.type == "AutoPanoptic"


def test_programs_are_listed_and_a_wrong_one_is_a_line(installed, tmp_path):
    code, out, _ = run(installed, tmp_path)
    assert code == 0
    assert {"train", "search", "test", "dist_train", "image_demo", "report"} <= set(out.split())
    code, _, err = run(installed, tmp_path, "trian")
    assert code == 1
    assert err.startswith("error: mmpanonas has no tool 'trian'")
    assert err.count("\n") == 1
