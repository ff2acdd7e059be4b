"""The length of a training and its precision."""

from mmengine.config import Config
from mmengine.device import is_cuda_available

from mmpanonas.config.errors import ConfigError

_AMP = {"OptimWrapper": "AmpOptimWrapper", "FairOptimWrapper": "FairAmpOptimWrapper"}


def set_length(cfg: Config) -> None:
    """Train for ``cfg.max_iters`` iterations: every point of the schedule moves in proportion.

    Those are ``train_cfg.val_interval`` and, of ``param_scheduler``, ends and milestones; points
    are rounded up. How often checkpoints are kept stays: one is always written at the end.

    Raises:
        ConfigError: the config counts no iterations, or ``max_iters`` is no positive integer.
    """
    loop, new = cfg.get("train_cfg") or {}, cfg.max_iters
    old = loop.get("max_iters")
    if not old:
        raise ConfigError("max_iters: this config has no train_cfg.max_iters to change")
    if not isinstance(new, int) or new < 1:
        raise ConfigError(f"max_iters: expected a positive number of iterations, got {new!r}")

    def moved(point: int) -> int:
        return -(-point * new // old)

    loop.max_iters = new
    if "val_interval" in loop:
        loop.val_interval = moved(loop.val_interval)
    for scheduler in cfg.get("param_scheduler") or ():
        for key in {"begin", "end", "T_max"} & scheduler.keys():
            scheduler[key] = moved(scheduler[key])
        if "milestones" in scheduler:
            scheduler.milestones = [moved(point) for point in scheduler.milestones]


def enable_amp(cfg: Config) -> None:
    """Train with automatic mixed precision. Raises ``ConfigError`` without a GPU."""
    if not is_cuda_available():
        raise ConfigError("--amp needs a GPU: on a CPU train without it")
    kind = cfg.optim_wrapper.get("type", "OptimWrapper")
    if kind in _AMP:
        cfg.optim_wrapper.type, cfg.optim_wrapper.loss_scale = _AMP[kind], "dynamic"
    elif kind not in _AMP.values():
        raise ConfigError(f"--amp: expected optim_wrapper.type in {list(_AMP)}, got {kind!r}")
