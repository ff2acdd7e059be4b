"""What the benchmarks share: timing in turn, the machine in words, configs on small data sets."""

import platform
import random
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

import mmpanonas.register  # noqa: F401
from mmpanonas.config import datasets_of, load_config
from mmpanonas.datasets.nas_split import split_nas
from mmpanonas.datasets.shapes import write_shapes

ROOT = Path(__file__).parents[1]
#: Real data sets beside the checkout; not part of the repository.
SHARED = ROOT.parent / "shared" / "data"
#: Of a candidate's evaluation.
PARTS = ("recalibration", "reading pictures", "prediction, fusion", "scoring")

_cpu_time = False


def in_turn(functions: dict[str, Callable], rounds: int) -> dict[str, list[float]]:
    """Seconds of each function in each round, called in turn; a first round warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            start = clock()
            function()
            if number:
                seconds[name].append(clock() - start)
    return seconds


def clock() -> float:
    """Seconds, after what the GPU was given is done; see :func:`use_cpu_time`."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    if not _cpu_time:
        return time.perf_counter()
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def use_cpu_time(yes: bool) -> str:
    """Count the processor's seconds of this process and its children, or the wall's.

    On a machine that others use the wall's tell more about them. Returns the clock's name.
    """
    global _cpu_time
    _cpu_time = yes
    return "CPU seconds" if yes else "seconds"


class Stopwatch:
    """Seconds spent in named parts of an evaluation."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, part: str, function: Callable) -> Callable:
        """``function``, its time added to ``part``."""

        def call(*args, **kwargs):
            start = clock()
            result = function(*args, **kwargs)
            self.seconds[part] = self.seconds.get(part, 0.0) + clock() - start
            return result

        return call


class Reader:
    """A data loader whose reading is timed."""

    def __init__(self, dataloader: Iterable, watch: Stopwatch) -> None:
        self.dataloader, self.watch = dataloader, watch

    def __iter__(self) -> Iterator:
        iterator = iter(self.dataloader)
        fetch = self.watch.timed("reading pictures", lambda: next(iterator, None))
        while (batch := fetch()) is not None:
            yield batch


def seed_all(seed: int) -> None:
    """Make the samplers of RPN and RoI heads draw the same again."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def machine(device: str = "cpu") -> str:
    """Processor, cores, threads and versions, for the first line of a report."""
    names = [line for line in _cpuinfo() if line.startswith("model name")]
    name = names[0].split(":")[1].strip() if names else platform.machine()
    gpu = f"{torch.cuda.get_device_name()}, " if device != "cpu" else ""
    return (
        f"{gpu}{name}, {len(names) or '?'} cores, {torch.get_num_threads()} torch thread(s), "
        f"torch {torch.__version__}"
    )


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.is_file() else []


def config_on_shapes(config: str, folder: Path, train: int, val: int) -> Config:
    """A supernet config of 128 x 128 shapes, on pictures rendered into ``folder``."""
    write_shapes(folder, {"train": train + val, "val": 1})
    split_nas(folder / "annotations" / "panoptic_train.json", val)
    return _prepared(load_config(config, {"data_root": f"{folder}/"}))


def config_on_coco_sample(config: str) -> Config:
    """A COCO config, its data sets replaced by the two pictures of ``coco_sample``."""
    root = SHARED / "coco_sample"
    if not root.is_dir():
        raise SystemExit(f"no COCO sample at {root}")
    cfg = load_config(config, {"data_root": f"{root}/"})
    for dataset in datasets_of(cfg):
        dataset.ann_file = "annotations/panoptic_val.json"
        dataset.data_prefix = {"img": "images/val/", "seg": "annotations/panoptic_val/"}
    return _prepared(cfg)


def _prepared(cfg: Config) -> Config:
    init_default_scope("mmdet")
    MMLogger.get_instance("benchmark", log_level="ERROR")
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    return cfg
