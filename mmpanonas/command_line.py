"""The arguments that several programs share. Nothing here takes long to import."""

import argparse
import os
from collections.abc import Sequence
from functools import partial

from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser, add_workers, of_kind
from mmpanonas.paths import CHECKPOINT, CONFIG, NEW_FOLDER
from mmpanonas.values import Count, Positive, RayAddress, Workers

SPLITS = ("train", "val", "test")


def make_parser(
    description: str, checkpoint: str | None = None, launcher: bool = True
) -> argparse.ArgumentParser:
    """The arguments that mean what they mean in MMDetection's tools.

    Args:
        checkpoint: what the argument of that name is; None: there is none.
        launcher: whether the tool runs on the ranks of a process group.
    """
    parser = Parser(description=description)
    parser.add_argument("config", type=CONFIG, help="config file")
    if checkpoint:
        parser.add_argument("checkpoint", type=CHECKPOINT, help=checkpoint)
        parser.replaces("checkpoint", "load_from", "resume")
    parser.add_argument("--work-dir", type=NEW_FOLDER, help="folder for logs and results")
    add_config_options(parser)
    parser.add_argument(
        "--trust-checkpoint",
        action="store_true",
        help="let checkpoints run code, as trust_checkpoint=True in the config does",
    )
    for option in ("--work-dir", "--trust-checkpoint"):
        parser.replaces(option, option.strip("-").replace("-", "_"))
    if launcher:
        kinds = ["none", "pytorch", "slurm", "mpi"]
        parser.add_argument("--launcher", choices=kinds, default="none")
        parser.add_argument("--local_rank", "--local-rank", type=of_kind(Count), default=0)
        parser.replaces("--launcher", "launcher")
    else:
        parser.set_defaults(launcher="none", local_rank=0)
    parser.check(partial(_check_ranks, launcher))
    return parser


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """Let a tool that runs say all that its log file holds."""
    parser.add_argument(
        "--verbose", action="store_true", help="print what else the log file holds: machine, config"
    )


def add_split(parser: argparse.ArgumentParser, splits: Sequence[str] = SPLITS) -> None:
    """Where a converter writes, which split, and by how many threads."""
    parser.add_argument("out", type=NEW_FOLDER, help="data set to write a split of")
    parser.add_argument("--split", choices=splits, default=splits[0])
    add_workers(parser)


def add_kinds(parser: argparse.ArgumentParser) -> None:
    """Which labels of drawn regions are no things."""
    parser.add_argument("--stuff", nargs="+", default=[], help="labels of stuff; others are things")
    parser.add_argument("--ignore", nargs="+", default=[], help="labels that become void")


def _check_ranks(launcher: bool, args: argparse.Namespace) -> str | None:
    """What is wrong with a tool that torchrun started several times, or None."""
    ranks = os.environ.get("WORLD_SIZE", "1")
    started = {"RANK", "LOCAL_RANK"} <= os.environ.keys() and ranks != "1"
    if not started or args.launcher != "none":
        return None
    advice = "add --launcher pytorch" if launcher else "it has workers of its own (--help)"
    return (
        f"torchrun started {ranks} processes (WORLD_SIZE), of which each would do all the work in "
        f"one folder: start one without torchrun, or {advice}"
    )


def make_search_parser(description: str) -> argparse.ArgumentParser:
    """The arguments of a tool that searches."""
    parser = make_parser(description, "checkpoint of the trained supernet", launcher=False)
    parser.add_argument(
        "--num-workers",
        type=of_kind(Workers),
        help="evaluate on so many workers of Ray (of a cluster: one per GPU, else per CPU)",
    )
    parser.add_argument(
        "--ray-address",
        type=of_kind(RayAddress),
        help="of a cluster: auto, HOST:PORT or ray://HOST:PORT (local: a Ray of its own)",
    )
    parser.add_argument(
        "--gpus-per-worker", type=of_kind(Positive), help="a fraction lets workers share a GPU"
    )
    parser.replaces("--num-workers", "val_cfg.executor.workers")
    parser.replaces("--ray-address", "val_cfg.executor.address")
    parser.replaces("--gpus-per-worker", "val_cfg.executor.gpus")
    return parser
