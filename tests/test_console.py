"""What a run says on the console: little before its first bar, and what comes next."""

import argparse

import pytest

from mmpanonas.running.console import make_runner, next_command
from tests.conftest import ROOT


def lines_of(capsys):
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("verbose", [False, True])
def test_a_training_begins_with_a_few_lines(shapes_config, tmp_path, capsys, verbose):
    cfg = shapes_config("supernet", work_dir=str(tmp_path))
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    runner = make_runner(cfg, verbose)
    runner.train()
    said = lines_of(capsys)
    assert (len(said) < 20) is not verbose
    if not verbose:
        assert said[0] == f"training: {cfg.filename}"
        assert [line.split()[0] for line in said[1:7]] == [
            *("data", "model", "length", "device", "folder", "log")
        ]
        assert "architectures" in said[2]
        assert "12 iterations" in said[3]
    log = next(tmp_path.rglob("*.log")).read_text()
    assert "Hooks will be executed" in log  # the file holds all
    assert "System environment" in log


def test_warnings_are_said_and_what_else_others_say_is_not(shapes_config, tmp_path, capsys):
    cfg = shapes_config("supernet", work_dir=str(tmp_path))
    runner = make_runner(cfg)
    capsys.readouterr()
    runner.logger.warning("a warning from elsewhere")
    runner.logger.info("something from elsewhere")
    said = "\n".join(lines_of(capsys))
    assert "a warning from elsewhere" in said
    assert "something" not in said


def args_of(config, **options):
    return argparse.Namespace(config=str(config), cfg_options=options or None)


@pytest.mark.parametrize(
    ("config", "stage", "expected"),
    [
        ("shapes/supernet.py", "supernet", "SEARCH DIR/shapes/search_evolution.py CHECKPOINT"),
        (
            "coco/supernet_released.py",
            "supernet",
            "SEARCH DIR/coco/search_evolution_released.py CHECKPOINT",
        ),
        ("shapes/elastic_search_pareto.py", "search", "TRAIN DIR/shapes/elastic_retrain.py ARCH"),
        ("ablations/heads_only.py", "search", "TRAIN DIR/ablations/heads_only_retrain.py ARCH"),
        (
            "ablations/heads_only.py",
            "supernet",
            "SEARCH DIR/ablations/heads_only.py CHECKPOINT",
        ),
        ("coco/retrain.py", "network", "TEST DIR/coco/retrain.py CHECKPOINT"),
        ("imagenet/supernet.py", "supernet", None),
    ],
)
def test_what_comes_next(tmp_path, config, stage, expected):
    folder = ROOT / "configs/auto_panoptic"
    (tmp_path / "iter_2.pth").touch()
    (tmp_path / "last_checkpoint").write_text(str(tmp_path / "iter_2.pth"))
    (tmp_path / "arch.json").touch()
    arch = f"--cfg-options model.arch={tmp_path}/arch.json"
    tools = {word.upper(): f"tools/{word}.py" for word in ("train", "test", "search")}
    for word, value in dict(
        tools, DIR=folder, CHECKPOINT=tmp_path / "iter_2.pth", ARCH=arch
    ).items():
        expected = expected and expected.replace(word, str(value))
    command = next_command(args_of(folder / config), str(tmp_path), stage)
    assert command == (expected and f"python {expected}")


def test_the_data_go_along_and_words_are_quoted(tmp_path):
    (tmp_path / "iter_2.pth").touch()
    (tmp_path / "last_checkpoint").write_text(str(tmp_path / "iter_2.pth"))
    config = ROOT / "configs/auto_panoptic/shapes/retrain.py"
    args = args_of(config, data_root="my data/", max_iters=2, **{"model.arch": "a.json"})
    command = next_command(args, str(tmp_path), "network")
    assert command.endswith("--cfg-options model.arch=a.json 'data_root=my data/'")
