"""Search a trained supernet; writes arch.json, ranking.csv and results.jsonl."""

import argparse

from mmengine.runner import Runner

from mmpanonas.cli import make_parser, prepare_search
from mmpanonas.errors import InputError, keeping, run_tool
from mmpanonas.execution import describe_results
from mmpanonas.parser import of_kind
from mmpanonas.values import RayAddress, Workers


def main() -> None:
    """Parse, build, search."""
    parser = make_parser(__doc__, checkpoint="checkpoint of the trained supernet")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the search in the work dir"
    )
    parser.add_argument(
        "--executor",
        choices=["serial", "torchrun", "ray"],
        help="where candidates are evaluated (torchrun under --launcher pytorch, else serial)",
    )
    parser.add_argument(
        "--num-workers", type=of_kind(Workers), help="of ray (one per GPU, else per CPU)"
    )
    parser.add_argument(
        "--ray-address",
        type=of_kind(RayAddress),
        help="of a cluster: auto, HOST:PORT or ray://HOST:PORT (local: a Ray of its own)",
    )
    parser.replaces("--resume", "val_cfg.resume")
    parser.replaces("--executor", "val_cfg.executor.type")
    parser.replaces("--num-workers", "val_cfg.executor.workers")
    parser.replaces("--ray-address", "val_cfg.executor.address")
    args = parser.parse_args()
    check_executor(args)
    cfg = prepare_search(args)
    cfg.val_cfg.resume = args.resume
    chosen = dict(type=args.executor, workers=args.num_workers, address=args.ray_address)
    chosen = {key: value for key, value in chosen.items() if value is not None}
    cfg.val_cfg.executor = {**(cfg.val_cfg.get("executor") or {}), **chosen}
    with keeping(lambda: describe_results(cfg.work_dir)):
        Runner.from_cfg(cfg).val()


def check_executor(args: argparse.Namespace) -> None:
    """Raise ``InputError`` for options of another executor or another launcher than what is given.

    What the config says of them is compared once it is read.
    """
    kind, launched = args.executor, args.launcher != "none"
    of_ray = {"--num-workers": args.num_workers, "--ray-address": args.ray_address}
    for option, value in of_ray.items():
        if value is not None and kind not in (None, "ray"):
            raise InputError(f"{option} is for --executor ray alone, got --executor {kind}")
    if kind == "torchrun" and not launched:
        raise InputError("--executor torchrun needs a launcher: start it with tools/dist_search.sh")
    if kind not in (None, "torchrun") and launched:
        raise InputError(f"--executor {kind} runs without --launcher, got {args.launcher}")


if __name__ == "__main__":
    run_tool(main)
