"""Ctrl-C, SIGTERM, a full disk, a lost folder: one line that says what is safe, in every tool."""

import errno
import io
import json
import os
import shutil
import signal
import sys

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.visualization import Visualizer

from mmpanonas.errors import InputError, StoppedError, keeping, run_tool
from mmpanonas.search import CandidateEvaluator
from mmpanonas.training import ProgressBarHook
from tests.conftest import SMALL, shapes_arch

CONFIGS = "configs/auto_panoptic/shapes"
SIGNALS = (signal.SIGINT, signal.SIGTERM)
FULL = OSError(errno.ENOSPC, "No space left on device", "some/file")


@pytest.fixture
def train(call_tool, shapes_root, tmp_path):
    """A function that trains for 4 iterations and saves at every second; returns the last line."""
    arch = tmp_path / "arch.json"
    shapes_arch().dump(arch)

    def run(*words, name: str = "work", **options) -> tuple[int, str]:
        chosen = SMALL | {"data_root": shapes_root, "model.arch": arch, "train_cfg.max_iters": 4}
        chosen |= {"default_hooks.checkpoint.interval": 2, "train_cfg.val_interval": 100}
        chosen |= {"default_hooks.checkpoint.max_keep_ckpts": 1} | options
        words += ("--cfg-options", *(f"{key}={value}" for key, value in chosen.items()))
        folder = tmp_path / name
        code, _, err = call_tool(
            "tools/train.py", f"{CONFIGS}/retrain.py", "--work-dir", folder, *words
        )
        assert "Traceback" not in err
        return code, err.strip().rpartition("\n")[2].replace(f"{tmp_path}/", "")

    return run


def strike(monkeypatch, owner: type, method: str, call: int, blow) -> None:
    """Let ``blow`` come before a certain call of a method."""
    real, calls = getattr(owner, method), []

    def struck(*args, **kwargs):
        calls.append(1)
        if len(calls) == call:
            blow()
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, method, struck)


def send(number: int):
    return lambda: os.kill(os.getpid(), number)


def fail() -> None:
    raise FULL


def test_a_signal_to_a_training_names_the_last_checkpoint(train, monkeypatch):
    with monkeypatch.context() as patch:
        strike(patch, ProgressBarHook, "after_train_iter", 1, send(signal.SIGINT))
        message = "stopped by Ctrl-C: work holds no checkpoint yet, so start it anew"
        assert train() == (130, message)
    strike(monkeypatch, ProgressBarHook, "after_train_iter", 3, send(signal.SIGTERM))
    message = "stopped by SIGTERM: work/iter_2.pth is safe; go on with --resume"
    assert train() == (143, message)


def test_a_full_disk_costs_no_checkpoint_and_a_moved_training_goes_on(train, monkeypatch, tmp_path):
    work = tmp_path / "work"
    with monkeypatch.context() as patch:
        strike(patch, os, "fsync", 2, fail)  # of the second checkpoint; the first is to go then
        code, line = train()
    assert code == 2
    assert line == (
        "error: No space left on device: some/file; work/iter_2.pth is safe; go on with --resume"
    )
    assert {path.name for path in work.glob("*.pth")} == {"iter_2.pth"}
    (work / ".iter_4.pth.tmp").write_text("half")
    (work / ".iter_9.pth.tmp").write_text("half")
    (work / "last_checkpoint").write_text("")  # cut short by a full disk
    shutil.copytree(work, tmp_path / "moved")
    assert train("--resume", name="moved")[0] == 0
    assert [path.name for path in (tmp_path / "moved").glob("*.pth")] == ["iter_4.pth"]
    assert list((tmp_path / "moved").glob(".*")) == []
    assert [path.name for path in work.glob("*.pth")] == ["iter_2.pth"]
    state = torch.load(tmp_path / "moved/iter_4.pth", weights_only=False)
    assert state["message_hub"]["runtime_info"]["last_ckpt"] == str(tmp_path / "moved/iter_4.pth")


@pytest.fixture
def search(call_tool, shapes_root, tmp_path):
    """A function that searches 4 candidates; returns exit code, last line and all of stderr."""
    config = "configs/auto_panoptic/ablations/backbone_only.py"
    model = MODELS.build(Config.fromfile(config, import_custom_modules=False).model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / "supernet.pth")

    def run(*words) -> tuple[int, str, str]:
        options = SMALL | {"data_root": shapes_root, "val_cfg.recalibration.num_images": 2}
        options |= {"val_cfg.strategy.generations": 1, "val_cfg.strategy.population": 4}
        options |= {"val_cfg.strategy.parents": 1, "val_cfg.strategy.mutants": 1}
        options |= {"val_cfg.strategy.crosses": 1}
        words += ("--cfg-options", *(f"{key}={value}" for key, value in options.items()))
        code, out, err = call_tool(
            "tools/search.py",
            config,
            tmp_path / "supernet.pth",
            "--work-dir",
            tmp_path / "search",
            *words,
        )
        assert "Traceback" not in err
        return code, err.strip().rpartition("\n")[2].replace(f"{tmp_path}/", ""), out + err

    return run


def test_a_stopped_search_says_how_many_results_are_safe(search, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        strike(patch, CandidateEvaluator, "__call__", 3, send(signal.SIGTERM))
        message = "stopped by SIGTERM: 2 results are safe in search; go on with --resume"
        assert search()[:2] == (143, message)
    with monkeypatch.context() as patch:
        strike(patch, Visualizer, "add_scalars", 1, fail)  # the curves alone are lost
        code, _, text = search("--resume")
    assert code == 0
    assert text.count("the curves end here: No space left on device") == 1
    results = (tmp_path / "search/results.jsonl").read_text().splitlines()
    assert [json.loads(line)["index"] for line in results] == [0, 1, 2, 3]


def test_a_folder_that_is_lost_ends_the_search_in_a_line(search, monkeypatch, tmp_path):
    gone = tmp_path / "search"
    strike(monkeypatch, CandidateEvaluator, "__call__", 2, lambda: gone.rename(tmp_path / "aside"))
    code, line, _ = search()
    assert code == 2
    assert line.startswith("error: cannot write search/")
    assert "the folder search is gone; bring it back" in line


# The mechanism


def test_ranks_but_the_first_die_quietly(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    seen = []
    run_tool(lambda: seen.extend(map(signal.getsignal, SIGNALS)))
    assert seen == [signal.SIG_DFL] * 2
    monkeypatch.setenv("RANK", "0")
    before = [signal.getsignal(number) for number in SIGNALS]
    run_tool(lambda: seen.extend(map(signal.getsignal, SIGNALS)))
    assert all(callable(handler) for handler in seen[2:])
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_what_a_signal_leads_to_is_told_as_the_signal(capsys):
    def main() -> None:
        with keeping(lambda: "all is safe"):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                signal.pause()
            except KeyboardInterrupt:
                os.kill(os.getpid(), signal.SIGINT)  # its echo, as from torchrun
                raise RuntimeError("a reading process was killed") from None

    with pytest.raises(SystemExit) as stop:
        run_tool(main)
    assert stop.value.code == 143
    assert capsys.readouterr().err == "\nstopped by SIGTERM: all is safe\n"


def test_a_name_in_another_encoding_is_printed(monkeypatch):
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="utf-8"))
    run_tool(lambda: print(os.fsdecode(b"\xe9t\xe9"), flush=True))
    assert printed.getvalue() == b"\\udce9t\\udce9\n"


def test_an_unreadable_file_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run_tool((tmp_path / "none").read_text)
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"\nerror: No such file or directory: {tmp_path / 'none'}\n"
    with pytest.raises(InputError, match=r"Denied: a\.jpg; safe"), keeping(lambda: "safe"):
        raise PermissionError("Caught in a reading process.\nPermissionError: Denied: a.jpg")


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_a_lack_of_memory_is_one_line(error, capsys):
    def main() -> None:
        with keeping(lambda: "all is safe"):
            raise error

    with pytest.raises(SystemExit) as stop:
        run_tool(main)
    assert stop.value.code == 2
    line = capsys.readouterr().err.strip()
    assert line.startswith("error: memory ran out (")
    assert line.endswith("fewer workers; all is safe")


def test_a_child_keeps_the_usual_signals():
    def main() -> None:
        child = os.fork()
        if not child:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM

    run_tool(main)
    with pytest.raises(StoppedError, match="stopped by Ctrl-C: fine"), keeping(lambda: "fine"):
        raise KeyboardInterrupt
