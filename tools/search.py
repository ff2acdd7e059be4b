"""Search a trained supernet; writes arch.json, ranking.csv and results.jsonl."""

from mmengine.runner import Runner

from mmpanonas.cli import make_search_parser, prepare_search
from mmpanonas.errors import keeping, run_tool
from mmpanonas.records import describe_results


def main() -> None:
    """Parse, build, search."""
    parser = make_search_parser(__doc__)
    parser.add_argument(
        "--resume", action="store_true", help="go on with the search in the work dir"
    )
    parser.replaces("--resume", "val_cfg.resume")
    args = parser.parse_args()
    cfg = prepare_search(args)
    cfg.val_cfg.resume = args.resume
    with keeping(lambda: describe_results(cfg.work_dir)):
        Runner.from_cfg(cfg).val()


if __name__ == "__main__":
    run_tool(main)
