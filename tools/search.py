"""Search a trained supernet; writes arch.json, ranking.csv and results.jsonl."""

import argparse

from mmpanonas.command_line import add_verbose, make_search_parser
from mmpanonas.errors import keeping, run_tool
from mmpanonas.records import describe_results


def parse() -> argparse.Namespace:
    """The command line."""
    parser = make_search_parser(__doc__)
    add_verbose(parser)
    parser.add_argument(
        "--resume", action="store_true", help="go on with the search in the work dir"
    )
    parser.replaces("--resume", "val_cfg.resume")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.cli import prepare_search
from mmpanonas.running.console import make_runner, say_next


def main() -> None:
    """Parse, build, search."""
    args = parse()
    cfg = prepare_search(args)
    cfg.val_cfg.resume = args.resume
    with keeping(lambda: describe_results(cfg.work_dir)):
        runner = make_runner(cfg, args.verbose)
        runner.val()
    say_next(runner, args, searched=True)


if __name__ == "__main__":
    run_tool(main)
