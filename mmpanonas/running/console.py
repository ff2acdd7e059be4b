"""What a run says on the console: what it is about to do, how far it is, and what comes next.

MMEngine prints the machine, the whole config and the order of all hooks first, some 570 lines. Here
they go to the log file alone; ``--verbose`` prints them too.
"""

import argparse
import logging
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmpanonas.checkpoints.files import latest_checkpoint
from mmpanonas.distributed import unwrapped
from mmpanonas.errors import InputError
from mmpanonas.files import SHIPPED
from mmpanonas.space import Arch, CostMeasure, NetworkShape, SearchSpace, check_counted, space_of

#: How MMEngine's checkpoint hook begins to warn of what it uses itself.
_OF_NO_CONCERN = ('"FileClient" will be deprecated', '"HardDiskBackend" is the alias')
#: Where MMEngine says what a run's user waits for, losses and scores; validations have a bar.
_WAITED_FOR = ("after_train_iter", "after_val_epoch", "after_test_epoch")
_OWN = str(Path(__file__).parents[1])

#: What a config's name says of the stage that it is for.
_STAGES = re.compile(r"supernet|search_(evolution|path_priority|pareto|random)")


def make_runner(cfg: Config, verbose: bool = False) -> Runner:
    """The runner of a config, which says in a few lines what it begins.

    ``verbose``: also whatever MMEngine says.
    """
    runner = (Runner if verbose else _QuietRunner).from_cfg(cfg)
    runner.logger.addFilter(_of_concern)
    runner.register_hook(SummaryHook(), priority="VERY_HIGH")
    return runner


class _QuietRunner(Runner):
    def build_logger(self, *args, **kwargs) -> logging.Logger:
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(_is_waited_for)
                handler.setFormatter(_Plain(handler.formatter))
        return logger


class _Plain(logging.Formatter):
    """The project's own lines as they are; others with time and level, as ``theirs`` writes."""

    def __init__(self, theirs: logging.Formatter) -> None:
        super().__init__()
        self.theirs = theirs

    def format(self, record: logging.LogRecord) -> str:
        own = _is_own(record) and record.levelno < logging.WARNING
        return (super() if own else self.theirs).format(record)


def _is_own(record: logging.LogRecord) -> bool:
    return record.pathname.startswith(_OWN) or record.pathname.endswith("tools/" + record.filename)


def _is_waited_for(record: logging.LogRecord) -> bool:
    if record.levelno >= logging.WARNING or _is_own(record):
        return True
    # print_log speaks for others; what it says of the project comes from there.
    hook = record.filename == "logger_hook.py" and record.funcName in _WAITED_FOR
    return hook or record.funcName == "print_log"


def _of_concern(record: logging.LogRecord) -> bool:
    """A logger's filter: False for warnings that no user can do anything about."""
    return not record.getMessage().startswith(_OF_NO_CONCERN)


class SummaryHook(Hook):
    """Says what a training, a search or a test is about, before its first bar."""

    def before_run(self, runner: Runner) -> None:
        """A search's strategy, model, candidates, device and folder."""
        strategy = getattr(runner._val_loop, "strategy", None)
        if strategy is not None:
            length = f"{strategy.total:,} candidates of {type(strategy).__name__}"
            _say(runner, "search", [], length=length)

    def before_train(self, runner: Runner) -> None:
        """A line each for data, model, length, device and folder."""
        loops = runner.train_loop, runner.val_loop
        length = f"{runner.max_iters:,} iterations"
        if getattr(runner.train_loop, "max_epochs", None) and runner.train_loop.max_epochs > 1:
            length = f"{runner.max_epochs} epochs, {length}"
        _say(runner, "training", loops, length=length)

    def before_test(self, runner: Runner) -> None:
        """As before a training."""
        _say(runner, "test", [runner.test_loop])


def _say(runner: Runner, what: str, loops: Iterable, **facts: str) -> None:
    loaders = [loop.dataloader for loop in loops if hasattr(loop, "dataloader")]
    lines = dict(
        [("data", _data(loader)) for loader in loaders[:1]]
        + [("validation", _data(loader)) for loader in loaders[1:]]
    )
    lines |= dict(model=_model(runner), **facts, device=_device(runner), folder=runner.work_dir)
    lines["log"] = f"{Path(runner.log_dir) / runner.timestamp}.log"
    words = [f"{what}: {runner.cfg.filename or type(unwrapped(runner.model)).__name__}"]
    words += [f"  {name:<11}{text}" for name, text in lines.items()]
    runner.logger.info("\n".join(words))


def _data(loader: torch.utils.data.DataLoader) -> str:
    dataset = loader.dataset
    name = getattr(dataset, "ann_file", "") or type(dataset).__name__
    size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", "?")
    return f"{len(dataset):,} pictures, batches of {size}: {name}"


def _model(runner: Runner) -> str:
    model = unwrapped(runner.model)
    count = sum(parameter.numel() for parameter in model.parameters())
    words = [f"{type(model).__name__}, {count / 1e6:.1f} M parameters"]
    if space := _paths_of(runner):
        words.append(f"{space.size:.2g} architectures, {space.window} paths a window")
    elif cost := _cost(runner.cfg):
        words.append(cost)
    return ", ".join(words)


def _paths_of(runner: Runner) -> SearchSpace | None:
    """The space of a supernet; None of a fixed network."""
    space = space_of(unwrapped(runner.model))
    return space if space.size > 1 else None


def _cost(cfg: Config) -> str | None:
    """Of a fixed network at its scale, or None where it is not counted."""
    given, scale = cfg.model.get("arch"), cfg.get("image_scale")
    if not given or not scale:
        return None
    size = tuple(reversed(scale))
    try:
        check_counted(cfg.model, "network", "model")
        measure = CostMeasure("macs", "network", size)
        cost = measure.of(Arch.load(given), NetworkShape.of_model(cfg.model))
    except InputError:
        return None
    return f"{measure.show(cost)} MACs at {size[0]} x {size[1]}"


def _device(runner: Runner) -> str:
    threads = torch.get_num_threads()
    kind = f"CPU, {threads} thread{'s' * (threads > 1)}"
    if torch.cuda.is_available():
        kind = torch.cuda.get_device_name()
    ranks = get_world_size()
    return f"{kind}{f' x {ranks} ranks' if ranks > 1 else ''}; seed {runner.seed}"


def say_next(runner: Runner, args: argparse.Namespace, searched: bool = False) -> None:
    """Print what follows on a run; see :func:`next_command`."""
    stage = "search" if searched else "supernet" if _paths_of(runner) else "network"
    if command := next_command(args, runner.work_dir, stage):
        runner.logger.info(f"next: {command}")


def next_command(args: argparse.Namespace, folder: str, stage: str) -> str | None:
    """What a user runs next, ready to paste; None where no config follows.

    Args:
        args: of the tool that ends.
        folder: its work dir.
        stage: that has ended: "supernet", "search" or "network".
    """
    config = Path(args.config)
    if stage == "search":
        follower = _follower(config, "retrain")
        if not follower or not (Path(folder) / "arch.json").is_file():
            return None
        options = {"model.arch": f"{folder}/arch.json"}
        return _command(args, "tools/train.py", follower, options=options)
    checkpoint = latest_checkpoint(folder)
    if checkpoint is None:
        return None
    if stage == "supernet":
        follower = _follower(config, "search_evolution")
        return follower and _command(args, "tools/search.py", follower, checkpoint)
    options = {"model.arch": arch} if (arch := _option(args, "model.arch")) else {}
    return _command(args, "tools/test.py", config, checkpoint, options=options)


def _follower(config: Path, what: str) -> Path | None:
    """The config beside ``config`` that goes on where it ends, as shipped ones are named."""
    stem, staged = _STAGES.subn(what, config.stem)
    names = [stem if staged else f"{config.stem}_{what}"]
    if not staged and what.startswith("search"):
        names.append(config.stem)  # of an ablation one config trains and searches
    return next((p for n in names if (p := config.with_name(f"{n}.py")).is_file()), None)


def _option(args: argparse.Namespace, key: str) -> object:
    return (args.cfg_options or {}).get(key)


def _command(
    args: argparse.Namespace, tool: str, *files: Path, options: Mapping[str, object] | None = None
) -> str:
    """With the data that ``args`` named."""
    options = dict(options or {})
    if root := _option(args, "data_root"):
        options["data_root"] = root
    installed = SHIPPED.name == ".mim"
    program = ["mmpanonas", Path(tool).stem] if installed else ["python", tool]
    words = [*program, *map(str, files)]
    if options:
        words += ["--cfg-options", *(f"{key}={value}" for key, value in options.items())]
    return shlex.join(words)
