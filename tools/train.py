"""Train a supernet or a fixed network."""

from mmengine.runner import Runner
from mmengine.runner.checkpoint import find_latest_checkpoint

from mmpanonas.cli import make_parser, of_concern, prepare
from mmpanonas.config import enable_amp
from mmpanonas.engine.checkpoints import check_checkpoint
from mmpanonas.errors import run_tool


def main() -> None:
    """Parse, build, train."""
    parser = make_parser(__doc__)
    parser.add_argument("--amp", action="store_true", help="automatic mixed precision (GPU)")
    parser.add_argument("--auto-scale-lr", action="store_true", help="scale lr to the batch size")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        help="go on from a checkpoint, or from the latest one in the work dir",
    )
    args = parser.parse_args()
    cfg = prepare(args, ("train_dataloader", "val_dataloader"))
    if args.amp:
        enable_amp(cfg)
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    if args.resume:
        cfg.resume = True
        latest = find_latest_checkpoint(cfg.work_dir) if args.resume == "auto" else args.resume
        check_checkpoint(latest)
        cfg.load_from = latest
    if cfg.val_cfg.get("type") == "SearchLoop":  # a search's config trains its supernet
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    runner = Runner.from_cfg(cfg)
    runner.logger.addFilter(of_concern)
    runner.train()
    runner.logger.info(f"checkpoints and logs: {cfg.work_dir}")


if __name__ == "__main__":
    run_tool(main)
