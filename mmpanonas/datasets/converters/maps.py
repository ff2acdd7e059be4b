"""Maps of labels in PNG files."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

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
