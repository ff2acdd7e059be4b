"""Draw the curves of a training: draw_training.py WORK_DIR. It may still run."""

import argparse
from pathlib import Path

from mmpanonas.errors import InputError, run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import FOLDER, NEW_FILE


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("work_dir", type=FOLDER, help="work dir of tools/train.py")
    parser.add_argument(
        "--out", type=NEW_FILE, help="picture, .png or .svg; default: WORK_DIR/training.png"
    )
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmpanonas.visualization import draw_training, read_training


def main() -> None:
    """Parse, read, draw."""
    args = parse()
    work_dir = Path(args.work_dir)
    if not work_dir.is_dir():
        raise InputError(f"{work_dir} is not a directory: give the work dir of tools/train.py")
    out = Path(args.out or work_dir / "training.png")
    curves = read_training(work_dir)
    try:
        draw_training(curves, out, title=f"Training of {work_dir.resolve().name}")
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}") from None
    last = max(curves.losses["loss"])
    print(f"losses up to iteration {last}: {out}")


if __name__ == "__main__":
    run_tool(main)
