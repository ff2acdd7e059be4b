"""Names of the files that are made of pictures: they keep folders, and none meets another."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from mmpanonas.errors import InputError


def unused_stem(stem: str, taken: set[str]) -> str:
    """``stem``, or ``stem_2`` and so on if it is in ``taken``, to which the answer is added."""
    number, found = 1, stem
    while found in taken:
        number += 1
        found = f"{stem}_{number}"
    taken.add(found)
    return found


def name_below(path: str | os.PathLike, root: str | os.PathLike) -> str:
    """The way from ``root`` to the file without its suffix: ``seq1/0001``; never one that leaves.

    Of a path beside the root what follows the last ``..`` is left.
    """
    parts = Path(os.path.relpath(path or os.curdir, root or os.curdir)).parts
    parts = [part for part in parts if part not in (os.pardir, os.sep)]
    return os.path.splitext(os.path.join(*parts))[0] if parts else "picture"


def innermost(dataset: object) -> Iterator[object]:
    """The data sets inside wrappers and concatenations."""
    if hasattr(dataset, "datasets"):
        for one in dataset.datasets:
            yield from innermost(one)
    elif hasattr(dataset, "dataset"):
        yield from innermost(dataset.dataset)
    else:
        yield dataset


def dataset_files(dataset: object) -> list[tuple[str, str | None]]:
    """``img_path`` and ``seg_map_path`` (or None) of every picture of a built data set.

    Nothing for data sets that are not MMEngine's.
    """
    leaves = [leaf for leaf in innermost(dataset) if hasattr(leaf, "get_data_info")]
    infos = (leaf.get_data_info(place) for leaf in leaves for place in range(len(leaf)))
    return [(info["img_path"], info.get("seg_map_path")) for info in infos if "img_path" in info]


def dataset_names(dataset: object, of_maps: bool) -> dict[str, str]:
    """By ``img_path`` a name for a file of each picture of a built data set, unlike all others.

    It is the way from the folder of pictures, or (``of_maps``) from that of the segment maps to
    the picture's map where it has one; of several data sets from what their folders have in common.
    """
    leaves = list(innermost(dataset))
    roots = {kind: _common_folder(leaves, kind) for kind in ("img", "seg")}
    names, taken = {}, set()
    for picture, png in dataset_files(dataset):
        if picture not in names:
            chosen = (png, roots["seg"]) if of_maps and png else (picture, roots["img"])
            names[picture] = unused_stem(name_below(*chosen), taken)
    return names


def _common_folder(leaves: Sequence[object], kind: str) -> str:
    folders = [(getattr(leaf, "data_prefix", None) or {}).get(kind) for leaf in leaves]
    folders = sorted({folder for folder in folders if folder})
    if len(folders) < 2:
        return folders[0] if folders else ""
    return os.path.commonpath([os.path.abspath(folder) for folder in folders])


def picture_names(pictures: Sequence[object]) -> list[str]:
    """A name for the files of each picture, unlike all others: a path's stem, an array's number.

    Where two paths have one stem, all names begin at the folder that all paths have in common.
    """
    paths = {
        place: os.path.abspath(one)
        for place, one in enumerate(pictures)
        if isinstance(one, str) and "://" not in one
    }
    stems = [
        name_below(one, os.path.dirname(one)) if isinstance(one, str) else f"{place + 1:08d}"
        for place, one in enumerate(pictures)
    ]
    if len(set(stems)) < len(stems) and paths:
        root = os.path.commonpath([os.path.dirname(path) for path in paths.values()])
        for place, path in paths.items():
            stems[place] = name_below(path, root)
    taken: set[str] = set()
    return [unused_stem(stem, taken) for stem in stems]


def check_apart(
    folder: str | os.PathLike, names: Iterable[str], inputs: Iterable[str], option: str
) -> None:
    """Raise ``InputError`` if a ``<folder>/<name>.png`` is one of ``inputs``, paths of files."""
    real = lru_cache(maxsize=None)(os.path.realpath)  # of folders, which are few

    def place(path: str) -> tuple[str, str]:
        return real(os.path.dirname(path)), os.path.basename(path)

    given = set(map(place, inputs))
    for name in names:
        target = os.path.join(folder, f"{name}.png")
        if place(target) in given:
            raise InputError(
                f"{option} would overwrite the input {target}: choose another folder for what is "
                f"written"
            )
