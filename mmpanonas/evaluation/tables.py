"""Scores as tables in the log."""

from collections.abc import Sequence

from mmengine.logging import MMLogger, print_log


def log_table(header: Sequence[object], rows: Sequence[Sequence[object]]) -> None:
    """Log rows below a header, the first column to the left and the others to the right."""
    lines = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
    print_log("Panoptic quality:\n" + text, logger=MMLogger.get_current_instance())
