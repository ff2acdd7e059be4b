"""Pascal VOC's segmentation as scenes: 20 things, and the background as stuff.

<root>/ImageSets/Segmentation/<split>.txt        names, a line each
<root>/JPEGImages/<name>.jpg
<root>/SegmentationClass/<name>.png              0 background, 1 to 20, 255 void
<root>/SegmentationObject/<name>.png             objects from 1
"""

from pathlib import Path

from mmpanonas.datasets.converters.map_pairs import read_map_pairs
from mmpanonas.datasets.converters.writing import Source
from mmpanonas.errors import InputError

NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
VOID = 255


def read_pascal_voc(root: Path, split: str) -> Source:
    """A split of VOC, such as ``VOCdevkit/VOC2012``.

    Raises:
        InputError: a folder or a file is missing, or the list of the split is empty.
    """
    names = root / f"ImageSets/Segmentation/{split}.txt"
    folders = [root / each for each in ("JPEGImages", "SegmentationClass", "SegmentationObject")]
    for path in (names, *folders):
        if not path.exists():
            raise InputError(f"'{path}' does not exist; give a folder such as VOCdevkit/VOC2012")
    stems = names.read_text(errors="replace").split()
    if not stems:
        raise InputError(f"'{names}' names no picture: unpack the archive again")
    return read_map_pairs(*folders, dict(enumerate(NAMES)), NAMES[:1], {VOID}, stems)
