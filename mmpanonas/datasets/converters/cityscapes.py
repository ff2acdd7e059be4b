"""Cityscapes' fine labels as scenes: the 19 classes that are scored, of which 8 are things.

    <root>/leftImg8bit/<split>/<city>/<id>_leftImg8bit.png
    <root>/gtFine/<split>/<city>/<id>_gtFine_instanceIds.png

A value from 1000 is an instance of class value // 1000; another is a class, and of a thing then a
group whose members were not told apart, a crowd. Category ids are the label ids, image ids those of
the files, as cityscapesscripts' createPanopticImgs.py has them; but its file names are of no
picture.
"""

from functools import partial
from pathlib import Path

import numpy as np

from mmpanonas.datasets.converters.map_pairs import Legend, merge_maps
from mmpanonas.datasets.converters.maps import read_map
from mmpanonas.datasets.converters.writing import Scene, Source
from mmpanonas.errors import InputError

STUFF = {
    7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole",
    19: "traffic light", 20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky",
}  # fmt: skip
THINGS = {
    24: "person", 25: "rider", 26: "car", 27: "truck", 28: "bus", 31: "train", 32: "motorcycle",
    33: "bicycle",
}  # fmt: skip
LABELS = range(34)
"""What a class may be; those without a name here are not scored, and void."""
_PICTURE, _MAP = "_leftImg8bit.png", "_gtFine_instanceIds.png"


def read_cityscapes(root: Path, split: str) -> Source:
    """A split of Cityscapes, ``train`` or ``val``.

    Raises:
        InputError: a folder or a file is missing.
    """
    pictures, maps = root / "leftImg8bit" / split, root / "gtFine" / split
    for folder in (pictures, maps):
        if not folder.is_dir():
            raise InputError(f"folder '{folder}' does not exist; give the folder of both archives")
    found = sorted(pictures.glob(f"*/[!.]*{_PICTURE}"))
    if not found:
        raise InputError(f"'{pictures}' holds no <city>/<id>{_PICTURE}: unpack the archive again")
    items = []
    for picture in found:
        image_id = picture.name.removesuffix(_PICTURE)
        path = maps / picture.parent.name / f"{image_id}{_MAP}"
        if not path.is_file():
            raise InputError(f"'{path}' does not exist, of '{picture}': unpack gtFine again")
        items.append((image_id, picture, path))
    categories = [dict(id=n, name=name, isthing=1) for n, name in THINGS.items()]
    categories += [dict(id=n, name=name, isthing=0) for n, name in STUFF.items()]
    things, stuff = {n: n for n in THINGS}, {n: n for n in STUFF}
    legend = Legend(things, stuff, set(LABELS) - {*things, *stuff}, crowds=True)
    return Source(pictures, items, partial(_scene, pictures, legend), categories)


def _scene(folder: Path, legend: Legend, item: tuple[str, Path, Path]) -> Scene:
    image_id, picture, path = item
    values = read_map(path, ("I;16", "I", "L"), "unpack gtFine again").astype(np.int32)
    numbered = values >= 1000
    classes = np.where(numbered, values // 1000, values)
    if unknown := set(np.unique(classes).tolist()) - {*LABELS}:
        raise InputError(f"'{path}' holds class {min(unknown)}; 0 to {LABELS[-1]} were expected")
    ids, categories, crowds = merge_maps(classes, np.where(numbered, values, 0), legend)
    name = picture.relative_to(folder).as_posix()
    return Scene(name, ids, categories, crowds, image_id)
