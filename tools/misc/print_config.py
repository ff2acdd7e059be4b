"""Print a config as the tools see it: inherited, overridden, filled in; a config file itself."""

import argparse
import contextlib
import sys

from mmpanonas.errors import run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser
from mmpanonas.paths import CONFIG


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("config", type=CONFIG, help="config file")
    add_config_options(parser)
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.config import load_config
from mmpanonas.config.judge.layout import TOP


def main() -> None:
    """Parse, load, print."""
    args = parse()
    with contextlib.redirect_stdout(sys.stderr):  # what packages say while they are imported
        cfg = load_config(args.config, args.cfg_options)
        for name in cfg.keys() - TOP:  # variables of the files, read already
            cfg.pop(name)
        text = cfg.pretty_text
    print(text)


if __name__ == "__main__":
    run_tool(main)
