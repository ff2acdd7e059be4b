"""Train a supernet or a fixed network."""

import argparse
from functools import partial

from mmengine.config import Config

from mmpanonas.command_line import add_verbose, make_parser
from mmpanonas.errors import keeping, run_tool
from mmpanonas.paths import RESUMED


def _check_beginning(args: argparse.Namespace) -> str | None:
    """What is wrong if two options say otherwise what a training begins with, or None."""
    if args.from_scratch and args.resume not in (None, "auto"):
        return (
            f"--from-scratch and --resume {args.resume}: what goes on from a file does not begin "
            f"from random weights; give one of them"
        )
    return None


def parse() -> argparse.Namespace:
    """The command line."""
    parser = make_parser(__doc__)
    add_verbose(parser)
    parser.add_argument("--amp", action="store_true", help="automatic mixed precision (GPU)")
    parser.add_argument("--auto-scale-lr", action="store_true", help="scale lr to the batch size")
    parser.add_argument(
        "--resume",
        nargs="?",
        type=RESUMED,
        const="auto",
        help="go on from a checkpoint, or from the latest one in the work dir",
    )
    parser.add_argument(
        "--from-scratch",
        action="store_true",
        help="let a detector of full size begin from random weights",
    )
    parser.check(_check_beginning)
    parser.replaces("--resume", "resume")
    parser.replaces("--amp", "optim_wrapper.type")
    parser.replaces("--auto-scale-lr", "auto_scale_lr.enable")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.checkpoints.files import check_checkpoint, checkpoint_to_resume, describe_latest
from mmpanonas.checkpoints.supernet import supernet_file
from mmpanonas.cli import check_amp, enable_amp, follow_checkpoint, is_search, prepare
from mmpanonas.config import ConfigError, check_start
from mmpanonas.running.console import make_runner, say_next


def main() -> None:
    """Parse, build, train."""
    args = parse()
    check_checkpoint(args.resume if args.resume != "auto" else None)
    loaders = ("train_dataloader", "val_dataloader")
    cfg = prepare(args, loaders, partial(_begin, args))
    if args.amp:
        enable_amp(cfg)
    check_amp(cfg)
    if args.auto_scale_lr:
        if not (cfg.get("auto_scale_lr") or {}).get("base_batch_size"):
            raise ConfigError(
                "--auto-scale-lr: the config lacks auto_scale_lr.base_batch_size, the number of "
                "pictures that its learning rate was chosen for"
            )
        cfg.auto_scale_lr.enable = True
    follow_checkpoint(cfg, loaders)
    if is_search(cfg):  # a search's config trains its supernet
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    with keeping(lambda: describe_latest(cfg.work_dir)):
        runner = make_runner(cfg, args.verbose)
        runner.train()
    runner.logger.info(f"checkpoints and logs: {cfg.work_dir}")
    say_next(runner, args)


def _begin(args: argparse.Namespace, cfg: Config) -> None:
    """Settle what the training goes on from, or begins with."""
    for key, value in (
        ("load_from", cfg.get("load_from")),
        ("model.init_from_supernet", cfg.model.get("init_from_supernet")),
    ):
        if args.from_scratch and value:
            raise ConfigError(
                f"--from-scratch and {key}={value}: weights of a file are not random; leave out "
                f"one of them (--cfg-options {key}=None)"
            )
    latest = args.resume or (cfg.get("resume") and (cfg.get("load_from") or "auto"))
    if latest == "auto":
        latest = checkpoint_to_resume(cfg.work_dir)
        if latest is None:
            print(f"--resume: nothing to resume in {cfg.work_dir}: begins at the start")
    if latest:
        check_checkpoint(latest)
        cfg.resume, cfg.load_from = True, str(latest)
        cfg.model.pop("init_from_supernet", None)  # it may be gone by now
    elif supernet := cfg.model.get("init_from_supernet"):
        cfg.model.init_from_supernet = supernet_file(supernet)
    if not args.from_scratch:
        check_start(cfg)


if __name__ == "__main__":
    run_tool(main)
