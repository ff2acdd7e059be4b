"""Search a trained supernet; writes arch.json, ranking.csv and results.jsonl."""

from mmengine.runner import Runner

from mmpanonas.cli import make_parser, prepare_search
from mmpanonas.errors import run_tool


def main() -> None:
    """Parse, build, search."""
    parser = make_parser(__doc__, checkpoint="checkpoint of the trained supernet")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the search in the work dir"
    )
    args = parser.parse_args()
    cfg = prepare_search(args)
    cfg.val_cfg.resume = args.resume
    Runner.from_cfg(cfg).val()


if __name__ == "__main__":
    run_tool(main)
