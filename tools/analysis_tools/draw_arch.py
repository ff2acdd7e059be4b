"""Draw an architecture file as a diagram: ``draw_arch.py ARCH_FILE OUT.png``."""

import argparse
import sys
from dataclasses import replace

from mmpanonas.space import Arch, ArchError, NetworkShape
from mmpanonas.visualization import draw_arch

HEAD_WIDTHS = (
    "neck_channels",
    "num_things",
    "num_stuff",
    "fc_channels",
    "mask_channels",
    "mask_layers",
    "semantic_channels",
    "semantic_layers",
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; the default widths are those of the COCO search."""
    default = NetworkShape()
    parser = argparse.ArgumentParser(
        description="Draw an architecture file as a diagram.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("arch", help="JSON file, by names or in the published integer codes")
    parser.add_argument("out", help="picture to write, .png or .svg")
    parser.add_argument(
        "--channels", type=_count, nargs=5, default=default.channels, help="stem and four stages"
    )
    parser.add_argument(
        "--blocks", type=_count, nargs=4, default=default.blocks, help="of the four stages"
    )
    for name in HEAD_WIDTHS:
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=_count, default=getattr(default, name), help=" ")
    parser.add_argument("--title", help="head line of the diagram")
    return parser.parse_args(argv)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def main(argv: list[str] | None = None) -> int:
    """Draw; returns 2 after a one-line message where the input cannot be drawn."""
    args = parse_args(argv)
    widths = {name: getattr(args, name) for name in HEAD_WIDTHS}
    shape = replace(
        NetworkShape(), channels=tuple(args.channels), blocks=tuple(args.blocks), **widths
    )
    try:
        arch = Arch.load(args.arch)
        if len(arch.backbone) != sum(shape.blocks):
            raise ArchError(
                f"{args.arch} has {len(arch.backbone)} backbone blocks, but --blocks "
                f"{' '.join(map(str, shape.blocks))} makes {sum(shape.blocks)}"
            )
        draw_arch(arch, args.out, shape=shape, title=args.title)
    except (ValueError, OSError) as error:
        print(f"draw_arch: {error}", file=sys.stderr)
        return 2
    print(f"diagram written to {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
