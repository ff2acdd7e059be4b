"""A map of classes and a map of instance numbers for each picture, as scenes.

An instance is the pixels of one thing's class that have one number above 0; of stuff numbers say
nothing. Pixels of a thing without a number are void, or a crowd where the form says so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mmpanonas.datasets.converters.maps import read_map
from mmpanonas.datasets.converters.writing import Scene, Source, category_list
from mmpanonas.errors import InputError

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_NUMBERS = ("L", "P", "I;16", "I", "RGB")


@dataclass(frozen=True)
class Legend:
    """What the values of a map of classes mean, 0 to 255: category ids, or void.

    Attributes:
        crowds: whether pixels of a thing that have no number are a crowd.
    """

    things: Mapping[int, int]
    stuff: Mapping[int, int]
    void: Collection[int]
    crowds: bool = False


def merge_maps(
    classes: np.ndarray, numbers: np.ndarray, legend: Legend
) -> tuple[np.ndarray, dict[int, int], frozenset[int]]:
    """Segments of a picture.

    Args:
        classes: (H, W), values of the legend.
        numbers: (H, W), instances; 0 is none.

    Returns:
        ids, int32 (H, W), where 0 is void; category ids by them; those that are crowds.

    Raises:
        InputError: a class that the legend lacks, or maps of two sizes.
    """
    if classes.shape != numbers.shape:
        raise InputError(
            f"the map of classes is {classes.shape}, that of instances {numbers.shape} (height, "
            "width); equal sizes were expected"
        )
    found = np.flatnonzero(np.bincount(classes.ravel())).tolist()
    unknown = sorted(set(found) - {*legend.things, *legend.stuff, *legend.void})
    if unknown:
        raise InputError(
            f"class {', '.join(map(str, unknown[:9]))} has no name and is not void; there are "
            f"{', '.join(map(str, sorted({*legend.things, *legend.stuff})))}"
        )
    whole = {**legend.stuff, **(legend.things if legend.crowds else {})}
    table = np.zeros(256, np.int32)  # the segment of a class that has no instances: class + 1
    table[list(whole)] = np.array([*whole], np.int32) + 1
    ids = table[classes]
    categories = {value + 1: category for value, category in whole.items()}
    covered = np.isin(classes, [*legend.things]) & (numbers > 0)
    pairs = classes[covered].astype(np.int64) << 32 | numbers[covered]
    instances, places = np.unique(pairs, return_inverse=True)
    ids[covered] = 257 + places
    categories |= {257 + n: legend.things[pair >> 32] for n, pair in enumerate(instances.tolist())}
    return ids, categories, frozenset(value + 1 for value in legend.things)


def read_numbers(path: Path, advice: str) -> np.ndarray:
    """Instance numbers (H, W) of a PNG of 8 or 16 bits, or R + 256 G + 65536 B of three channels.

    Raises:
        InputError: as :func:`read_map`.
    """
    found = read_map(path, _NUMBERS, advice).astype(np.int64)
    return found if found.ndim == 2 else found @ [1, 256, 65536]


def read_map_pairs(
    pictures: Path,
    classes: Path,
    numbers: Path,
    names: Mapping[int, str],
    stuff: Sequence[str],
    void: Collection[int],
    stems: Sequence[str] | None = None,
) -> Source:
    """Pictures with two PNGs of their names.

    Args:
        pictures: folder of the pictures.
        classes: folder of the maps of classes, one channel of 8 bits.
        numbers: folder of the maps of instances.
        names: of the classes, by value.
        stuff: which of them are stuff.
        void: values without a class.
        stems: names of the pictures without their endings; None: of all maps of classes.

    Raises:
        InputError: a file is missing, a name is unknown or stands twice.
    """
    if unknown := [name for name in stuff if name not in names.values()]:
        raise InputError(
            f"no class is called {', '.join(map(repr, unknown))}; there are "
            f"{', '.join(names.values())}"
        )
    categories = category_list([n for n in names.values() if n not in stuff], stuff)
    place = {each["name"]: each["id"] for each in categories}
    legend = Legend(
        {value: place[name] for value, name in names.items() if name not in stuff},
        {value: place[name] for value, name in names.items() if name in stuff},
        void,
    )
    files, notes = _pictures_of(pictures), []
    if stems is None:
        stems = sorted(_stem(path, classes) for path in classes.rglob("[!.]*.png"))
        if not stems:
            raise InputError(f"'{classes}' holds no .png: give the folder of the maps of classes")
        if rest := len(files.keys() - set(stems)):
            notes = [f"{rest} pictures have no maps and are left out"]
    items = []
    for stem in stems:
        maps = classes / f"{stem}.png", numbers / f"{stem}.png"
        missing = [str(path) for path in maps if not path.is_file()]
        if stem not in files:
            missing.append(f"{pictures / stem}{PICTURES[0]}")
        if missing:
            raise InputError(
                f"'{missing[0]}' does not exist; a picture and two maps belong together"
            )
        items.append((files[stem], *maps))
    return Source(pictures, items, partial(_scene, pictures, legend), categories, notes=notes)


def _stem(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _pictures_of(folder: Path) -> dict[str, Path]:
    """Pictures of a folder and those below, by their names without endings."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("[!.]*")):
        if path.suffix.lower() in PICTURES:
            other = found.setdefault(_stem(path, folder), path)
            if other != path:
                raise InputError(f"'{other}' and '{path}' have one name: take one away")
    return found


def _scene(folder: Path, legend: Legend, item: tuple[Path, Path, Path]) -> Scene:
    picture, classes, numbers = item
    advice = "copy it again"
    try:
        segments = merge_maps(
            read_map(classes, ("L", "P"), advice), read_numbers(numbers, advice), legend
        )
    except InputError as error:
        raise InputError(f"'{classes}': {error}") from None
    return Scene(picture.relative_to(folder).as_posix(), *segments)
