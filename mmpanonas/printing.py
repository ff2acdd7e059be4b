"""What is printed: progress bars, tables of text for a terminal or a log and in Markdown."""

import sys
from collections.abc import Sequence

#: Of tqdm. A bar redraws itself on a terminal; in a log file each redraw is one more line.
BAR = dict(mininterval=0.5 if sys.stderr.isatty() else 15, dynamic_ncols=True)


def text_table(rows: Sequence[Sequence[object]]) -> str:
    """Rows one below the other, the first column to the left and the others to the right."""
    lines = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    )


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows below their heads."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
