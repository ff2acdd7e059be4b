"""Maps of labels in PNG files, and the names of their values."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmpanonas.datasets.annotations.file import read_bytes, read_json
from mmpanonas.errors import InputError
from mmpanonas.files import irregularity
from mmpanonas.panoptic.png import png_problem


def read_map(path: Path, modes: Sequence[str], advice: str) -> np.ndarray:
    """The values of a PNG, uint8 (H, W) or (H, W, C).

    Args:
        modes: Pillow's, of those pixel formats that are expected.
        advice: what to do about a damaged file.

    Raises:
        InputError: the file is missing, damaged or of another pixel format.
    """
    try:
        problem = irregularity(path)
    except FileNotFoundError:
        raise InputError(f"'{path}' does not exist; {advice}") from None
    data = b"" if problem else path.read_bytes()
    problem = problem or png_problem(data)
    if problem:
        raise InputError(f"'{path}' {problem} ({len(data)} bytes); {advice}")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.mode in modes:
                return np.asarray(picture)
            mode = picture.mode
    except Exception as error:  # Pillow raises what it likes
        raise InputError(
            f"'{path}' cannot be decoded, though it looks whole ({error}); {advice}"
        ) from None
    raise InputError(f"'{path}' has the pixel format {mode}; {' or '.join(modes)} was expected")


def read_labels(path: Path) -> dict[int, str]:
    """Names by value, 0 to 255. Raises ``InputError`` for any other file."""
    content = read_json(read_bytes(path), str(path))
    try:
        found = {int(value): name for value, name in content.items()}
        if all(0 <= value <= 255 and isinstance(name, str) for value, name in found.items()):
            return found
    except (AttributeError, ValueError):
        pass
    raise InputError(
        f"'{path}': expected an object of names by value from 0 to 255, "
        f'{{"1": "grass"}}, got {json.dumps(content)[:80]}'
    )
