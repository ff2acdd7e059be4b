"""Print a config as the tools see it: inherited, overridden, filled in; a config file itself."""

import contextlib
import sys

from mmpanonas.config import load_config
from mmpanonas.config.judge.layout import TOP
from mmpanonas.errors import run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser
from mmpanonas.paths import FILE


def main() -> None:
    """Parse, load, print."""
    parser = Parser(description=__doc__)
    parser.add_argument("config", type=FILE, help="config file")
    add_config_options(parser)
    args = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):  # what packages say while they are imported
        cfg = load_config(args.config, args.cfg_options)
        for name in cfg.keys() - TOP:  # variables of the files, read already
            cfg.pop(name)
        text = cfg.pretty_text
    print(text)


if __name__ == "__main__":
    run_tool(main)
