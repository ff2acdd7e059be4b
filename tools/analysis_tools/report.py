"""Write a search's report, one HTML page that needs nothing besides itself: report.py SEARCH_DIR.

The search may still run, or have been stopped: the page shows what there is.
"""

import argparse
from pathlib import Path

from mmpanonas.errors import InputError, run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser
from mmpanonas.paths import CONFIG, FOLDER, NEW_FILE
from mmpanonas.records import check_no_result, read_search
from mmpanonas.space import NetworkShape


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("search_dir", type=FOLDER, help="work dir of tools/search.py")
    parser.add_argument(
        "--out", type=NEW_FILE, help="page to write; SEARCH_DIR/report.html by default"
    )
    parser.add_argument(
        "--config", type=CONFIG, help="of the network that the diagram shows, if another one"
    )
    add_config_options(parser)
    parser.needs("--cfg-options", "--config", "the config that they change")
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.config import load_config
from mmpanonas.visualization import write_report


def main() -> None:
    """Parse, read, write."""
    args = parse()
    shape = None
    if args.config:
        shape = NetworkShape.of_model(load_config(args.config, args.cfg_options).model)
    out = Path(args.out or Path(args.search_dir) / "report.html")
    check_no_result(out, args.search_dir)
    data = read_search(args.search_dir)
    try:
        write_report(data, out, shape)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}") from None
    print(f"report: {out}")


if __name__ == "__main__":
    run_tool(main)
