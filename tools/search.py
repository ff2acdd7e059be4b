"""Search a trained supernet; writes arch.json, ranking.csv and results.jsonl."""

from mmengine.runner import Runner

from mmpanonas.cli import make_parser, prepare
from mmpanonas.config import ConfigError
from mmpanonas.errors import run_tool


def main() -> None:
    """Parse, build, search."""
    parser = make_parser(__doc__, checkpoint="checkpoint of the trained supernet")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the search in the work dir"
    )
    args = parser.parse_args()
    cfg = prepare(args, ("val_dataloader",))
    if cfg.val_cfg.get("type") != "SearchLoop":
        raise ConfigError(
            f"{args.config} holds no search: val_cfg.type must be 'SearchLoop', as in "
            f"configs/auto_panoptic/*/search_evolution.py"
        )
    cfg.val_cfg.resume = args.resume
    Runner.from_cfg(cfg).val()


if __name__ == "__main__":
    run_tool(main)
