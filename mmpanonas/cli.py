"""What the command-line tools share, from their arguments to a config that is ready to run."""

import argparse
import os
from collections.abc import Callable

import torch
from mmdet.utils import setup_cache_size_limit_of_dynamo
from mmengine.config import Config
from mmengine.device import is_cuda_available
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.registry import LOOPS, OPTIM_WRAPPERS

from mmpanonas.checkpoints.files import check_checkpoint, dataset_meta
from mmpanonas.checkpoints.reading import trust_checkpoints
from mmpanonas.config import (
    ConfigError,
    check_archs,
    check_data,
    check_forms,
    data_classes,
    is_kind,
    kind_of,
    load_config,
    set_work_dir,
    settle_classes,
)
from mmpanonas.datasets import Classes
from mmpanonas.distributed import distribute_on_cpu
from mmpanonas.search import SearchLoop
from mmpanonas.training import FairAmpOptimWrapper, FairOptimWrapper

#: What trains as a wrapper does, with automatic mixed precision.
_AMP = {OptimWrapper: AmpOptimWrapper, FairOptimWrapper: FairAmpOptimWrapper}


def prepare(
    args: argparse.Namespace,
    loaders: tuple[str, ...],
    begin: Callable[[Config], None] | None = None,
) -> Config:
    """Load the config of ``args``, choose its work dir, check the data of ``loaders``.

    Labels get the meaning that they have in the checkpoint that is tested, searched or gone on
    with; without one, in the first data set.

    Args:
        args: of :func:`mmpanonas.command_line.make_parser`.
        loaders: keys of the config.
        begin: is given the config, its work dir chosen, before any data are read.
    """
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    setup_cache_size_limit_of_dynamo()
    tested = getattr(args, "checkpoint", None)
    trained = None

    def classes(cfg: Config) -> Classes | None:
        nonlocal trained
        cfg.trust_checkpoint = args.trust_checkpoint or cfg.get("trust_checkpoint", False)
        trust_checkpoints(cfg.trust_checkpoint)
        trained = dataset_meta(tested)
        return Classes.of_meta(trained)

    cfg = load_config(args.config, args.cfg_options, classes)
    check_archs(cfg)
    check_forms(cfg)
    cfg.launcher = args.launcher
    cfg.setdefault("default_hooks", {}).setdefault(
        "checkpoint_kind", dict(type="CheckpointKindHook")
    )
    if tested:
        cfg.load_from, cfg.resume = tested, False  # loaded, not gone on with
    check_checkpoint(cfg.get("load_from"))
    set_work_dir(cfg, args.config, args.work_dir)
    if begin:
        begin(cfg)
    settle_classes(cfg, loaders, trained, f"the checkpoint {tested}")
    check_data(cfg, loaders)
    if args.launcher == "pytorch" and not torch.cuda.is_available():
        distribute_on_cpu(cfg)
    return cfg


def follow_checkpoint(cfg: Config, loaders: tuple[str, ...]) -> None:
    """Let labels mean what they mean in the checkpoint, or supernet, that a training begins with.

    One of other classes is a beginning for new ones (fine-tuning).

    Raises:
        InputError: a training that is resumed had other classes.
    """
    begun = cfg.get("load_from") or cfg.model.get("init_from_supernet")
    trained = dataset_meta(begun)
    old, new = Classes.of_meta(trained), data_classes(cfg, loaders)
    if old and new and (cfg.get("resume") or old.same_as(new)):
        settle_classes(cfg, loaders, trained, f"the checkpoint {begun}")


def prepare_search(args: argparse.Namespace) -> Config:
    """:func:`prepare` for a config that searches, with the workers that were asked for.

    Raises:
        ConfigError: the config does not search.
    """
    cfg = prepare(args, ("val_dataloader",))
    if not is_search(cfg):
        raise ConfigError(
            f"{args.config} holds no search: val_cfg.type must be 'SearchLoop', as in "
            f"configs/auto_panoptic/*/search_evolution.py"
        )
    chosen = dict(workers=args.num_workers, address=args.ray_address, gpus=args.gpus_per_worker)
    chosen = {key: value for key, value in chosen.items() if value is not None}
    if chosen:
        cfg.val_cfg.executor = {**(cfg.val_cfg.get("executor") or {}), "type": "ray", **chosen}
    return cfg


def is_search(cfg: Config) -> bool:
    """Whether a config's validation is a search."""
    return is_kind(cfg.get("val_cfg"), SearchLoop, LOOPS, cfg.get("default_scope"))


def enable_amp(cfg: Config) -> None:
    """Train with automatic mixed precision. Raises ``ConfigError`` where that cannot be."""
    if not is_cuda_available():
        raise ConfigError("--amp needs a GPU: on a CPU train without it")
    wrapper = cfg.optim_wrapper
    kind = kind_of(wrapper, OPTIM_WRAPPERS, cfg.get("default_scope")) or OptimWrapper
    if issubclass(kind, AmpOptimWrapper):
        return
    if kind not in _AMP:
        raise ConfigError(
            f"--amp: expected optim_wrapper.type in {[each.__name__ for each in _AMP]}, got "
            f"{kind.__name__!r}; write one with mixed precision into the config instead"
        )
    wrapper.type, wrapper.loss_scale = _AMP[kind].__name__, "dynamic"


def check_amp(cfg: Config) -> None:
    """Raise ``ConfigError`` where the config asks for mixed precision that needs a GPU."""
    kind = kind_of(cfg.get("optim_wrapper"), OPTIM_WRAPPERS, cfg.get("default_scope"))
    if isinstance(kind, type) and issubclass(kind, AmpOptimWrapper) and not is_cuda_available():
        raise ConfigError(
            f"optim_wrapper.type {kind.__name__!r} needs a GPU: on a CPU leave it out"
        )
