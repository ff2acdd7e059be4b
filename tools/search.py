"""Search a trained supernet; writes arch.json, ranking.csv and results.jsonl."""

import argparse

from mmpanonas.command_line import make_search_parser
from mmpanonas.errors import keeping, run_tool
from mmpanonas.records import describe_results


def parse() -> argparse.Namespace:
    """The command line."""
    parser = make_search_parser(__doc__)
    parser.add_argument(
        "--resume", action="store_true", help="go on with the search in the work dir"
    )
    parser.replaces("--resume", "val_cfg.resume")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmengine.runner import Runner

from mmpanonas.cli import prepare_search


def main() -> None:
    """Parse, build, search."""
    args = parse()
    cfg = prepare_search(args)
    cfg.val_cfg.resume = args.resume
    with keeping(lambda: describe_results(cfg.work_dir)):
        Runner.from_cfg(cfg).val()


if __name__ == "__main__":
    run_tool(main)
