"""Test a checkpoint: PQ, SQ, RQ; optionally COCO panoptic results and pictures."""

from pathlib import Path

from mmengine.runner import Runner

from mmpanonas.cli import make_parser, prepare
from mmpanonas.config import (
    ConfigError,
    annotation_paths,
    complete_category_ids,
    is_annotated,
    leaves,
)
from mmpanonas.engine.checkpoints import check_one_path
from mmpanonas.errors import run_tool


def main() -> None:
    """Parse, build, test."""
    parser = make_parser(__doc__, checkpoint="checkpoint of this config's network")
    parser.add_argument("--arch", help="of a supernet: the path to test, BN recalibrated")
    parser.add_argument(
        "--out", metavar="PREFIX", help="write PREFIX.panoptic.json, its PNGs and PREFIX.pq.json"
    )
    parser.add_argument("--show-dir", help="write panels: input, truth, prediction")
    parser.add_argument("--show-num", type=int, default=20, help="number of panels")
    args = parser.parse_args()
    cfg = prepare(args, ("test_dataloader",))
    if args.arch:
        if "recalibration" not in cfg.default_hooks:
            raise ConfigError("--arch picks a path of a supernet; a fixed network has its own")
        cfg.default_hooks.recalibration.arch = args.arch
    scored = is_annotated(cfg, "test_dataloader")
    if args.out:
        cfg.test_evaluator.outfile_prefix = args.out
        cfg.test_evaluator.ann_file = annotation_paths(next(leaves(cfg.test_dataloader)))[0]
        cfg.test_evaluator.format_only = not scored
        complete_category_ids(cfg, "test_dataloader")
    elif not scored:
        raise ConfigError(
            f"{annotation_paths(next(leaves(cfg.test_dataloader)))[0]} has no annotations, so "
            f"there is nothing to score: give --out PREFIX to write the results"
        )
    if args.show_dir:
        cfg.default_hooks.panels = dict(
            type="PanopticPanelHook",
            folder=str(Path(args.show_dir).absolute()),
            num_pictures=args.show_num,
        )
    runner = Runner.from_cfg(cfg)
    if not (cfg.default_hooks.get("recalibration") or {}).get("arch"):
        check_one_path(getattr(runner.model, "module", runner.model))
    if not scored:
        runner.logger.info("the test set has no annotations: results are written, not scored")
    runner.test()
    runner.logger.info(f"metrics and logs: {runner.log_dir}")


if __name__ == "__main__":
    run_tool(main)
