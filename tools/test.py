"""Test a checkpoint: PQ, SQ, RQ; optionally COCO panoptic results and pictures."""

import argparse
import traceback
from pathlib import Path

from mmpanonas.command_line import add_verbose, make_parser
from mmpanonas.errors import InputError, in_a_line, keeping, run_tool
from mmpanonas.files import write_atomically
from mmpanonas.parser import of_kind
from mmpanonas.paths import FILE, NEW_FOLDER, PREFIX
from mmpanonas.space import Arch
from mmpanonas.values import PositiveInt


def parse() -> argparse.Namespace:
    """The command line."""
    parser = make_parser(__doc__, checkpoint="checkpoint of this config's network")
    add_verbose(parser)
    parser.add_argument(
        "--arch", type=FILE, help="of a supernet: the path to test, BN recalibrated"
    )
    parser.add_argument(
        "--out",
        type=PREFIX,
        metavar="PREFIX",
        help="write PREFIX.panoptic.json, its PNGs and PREFIX.pq.json",
    )
    parser.add_argument(
        "--show-dir", type=NEW_FOLDER, help="write panels: input, truth, prediction"
    )
    parser.add_argument("--show-num", type=of_kind(PositiveInt), help="number of panels (20)")
    parser.needs("--show-num", "--show-dir", "the folder of the panels")
    parser.replaces("--arch", "default_hooks.recalibration.arch")
    parser.replaces("--out", "test_evaluator.outfile_prefix")
    parser.replaces("--show-dir", "default_hooks.panels")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.checkpoints.files import check_one_path
from mmpanonas.cli import prepare
from mmpanonas.config import ConfigError, complete_category_ids
from mmpanonas.running.console import make_runner
from mmpanonas.running.outputs import check_outputs, prepare_outputs, settle_results


def main() -> None:
    """Parse, build, test."""
    args = parse()
    if args.arch:
        Arch.load(args.arch)  # a damaged one is found before the data
    cfg = prepare(args, ("test_dataloader",))
    if args.arch:
        if "recalibration" not in cfg.default_hooks:
            raise ConfigError("--arch picks a path of a supernet; a fixed network has its own")
        cfg.default_hooks.recalibration.arch = args.arch
    settle_results(cfg, args.out)
    if args.out:
        complete_category_ids(cfg, "test_dataloader")
    if args.show_dir:
        cfg.default_hooks.panels = dict(
            type="PanopticPanelHook",
            folder=str(Path(args.show_dir).absolute()),
            num_pictures=args.show_num or 20,
        )
    with keeping(lambda: f"nothing is tested yet; {cfg.work_dir} keeps the log"):
        runner = make_runner(cfg, args.verbose)
    if not (cfg.default_hooks.get("recalibration") or {}).get("arch"):
        check_one_path(getattr(runner.model, "module", runner.model))
    prepare_outputs(runner, args.out)
    try:
        runner.test()
    except OSError as error:
        raise InputError(
            f"{error.filename or 'a file'} cannot be read or written: {error.strerror or error}; "
            f"scores that are known stand above and in {runner.log_dir}"
        ) from error
    except Exception as error:
        if isinstance(error, (InputError, MemoryError)) or "OutOfMemory" in type(error).__name__:
            raise
        place = Path(runner.log_dir) / "traceback.txt"
        write_atomically(place, traceback.format_exc())
        raise InputError(
            f"the test ended with {type(error).__name__}: {in_a_line(error)[:300]} (where: "
            f"{place}); scores that are known stand above and in {runner.log_dir}"
        ) from error
    runner.logger.info(f"metrics and logs: {runner.log_dir}")
    check_outputs(runner)


if __name__ == "__main__":
    run_tool(main)
