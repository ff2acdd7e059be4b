"""Draw an architecture file as a diagram: draw_arch.py ARCH_FILE OUT.png."""

import argparse

from mmpanonas.errors import run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser
from mmpanonas.paths import CONFIG, FILE, NEW_FILE
from mmpanonas.space import Arch, NetworkShape


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        "arch", type=FILE, help="JSON file, by names or in the published integer codes"
    )
    parser.add_argument("out", type=NEW_FILE, help="picture to write, .png or .svg")
    parser.add_argument(
        "--config", type=CONFIG, help="of the network; its widths replace COCO's search widths"
    )
    parser.add_argument("--title", help="head line of the diagram")
    add_config_options(parser)
    parser.needs("--cfg-options", "--config", "the config that they change")
    return parser.parse_args(argv)


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.config import load_config
from mmpanonas.visualization import draw_arch


def main(argv: list[str] | None = None) -> None:
    """Parse, draw."""
    args = parse(argv)
    shape = NetworkShape()
    if args.config:
        shape = NetworkShape.of_model(load_config(args.config, args.cfg_options).model)
    draw_arch(Arch.load(args.arch), args.out, shape=shape, title=args.title)
    print(f"diagram: {args.out}")


if __name__ == "__main__":
    run_tool(main)
