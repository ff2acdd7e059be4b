"""ADE20K's 2016 scene-parsing release in COCO panoptic format: 100 things and 50 stuff.

The release ("ADEChallengeData2016") holds pictures and semantic maps; the instance maps
("annotations_instance") belong to the Places Challenge of 2017, which shares its pictures:

    <root>/images/{training,validation}/<stem>.jpg
    <root>/annotations/{training,validation}/<stem>.png           0 unlabelled, else label 1..150
    <root>/annotations_instance/{training,validation}/<stem>.png  R: 0 or thing class 1..100,
                                                                  G: 0 or instance 1..255
    <root>/ade20k_panoptic_{train,val}.json                       written here, beside
    <root>/ade20k_panoptic_{train,val}/<stem>.png                 the segment PNGs

Thing class k is the k-th of the 100 labels that are things (the challenge's categoryMapping.txt).
Every pixel is decided as MMDetection's and Mask2Former's preparations do:

1. a pixel of an instance is that instance, whatever the semantic map says of it, and its
   category is the instance map's;
2. any other pixel whose label is stuff is that stuff, one segment per label;
3. the rest is void: unlabelled pixels, and labels of things without an instance.

Category ids (label - 1), image ids (stems) and file names are theirs as well; names are those of
:class:`mmdet.datasets.ADE20KPanopticDataset`. Areas and boxes are measured on the finished map,
so they leave out stuff that instances cover (theirs count it, and MMDetection's thing boxes are
displaced). Categories are listed things first, for MMDetection's own data set numbers its labels
in the file's order. A segment's id is 256 x label + instance number, 0 for stuff.
"""

import functools
import json
import os
from pathlib import Path

import numpy as np
from mmdet.datasets import ADE20KPanopticDataset

from mmpanonas.datasets.converters.maps import read_map
from mmpanonas.datasets.files import check_file_place
from mmpanonas.datasets.parallel import map_pictures
from mmpanonas.datasets.pictures import picture_size
from mmpanonas.errors import InputError
from mmpanonas.files import write_atomically
from mmpanonas.panoptic.png import VOID_ID, write_panoptic_png
from mmpanonas.panoptic.segments import describe_segments

SPLITS = {"training": "train", "validation": "val"}
MAPS = ("annotations", "annotations_instance")
AGAIN = "unpack the archive again"
LABELS = range(1, 151)
STUFF_LABELS = (
    *(1, 2, 3, 4, 5, 6, 7, 10, 12, 14, 17, 18, 22, 26, 27, 29, 30, 35, 41, 47, 49, 52, 53, 55, 60),
    *(61, 62, 64, 69, 78, 80, 85, 92, 95, 97, 100, 101, 102, 106, 107, 110, 114, 115, 118, 123),
    *(129, 132, 141, 142, 146),
)
THING_LABELS = tuple(label for label in LABELS if label not in STUFF_LABELS)
"""Label of thing class k at place k - 1."""

CATEGORIES = [
    {"id": label - 1, "name": name, "isthing": int(label in THING_LABELS)}
    for label, name in zip(
        THING_LABELS + STUFF_LABELS, ADE20KPanopticDataset.METAINFO["classes"], strict=True
    )
]


def convert_ade20k(root: str | os.PathLike, workers: int | None = 0) -> dict[str, int]:
    """Write both splits of ``root``, a folder laid out as above.

    A split's JSON is removed first and written last, in one step: where it is, the split is
    complete.

    Returns:
        pictures per split, ``{"train": ..., "val": ...}``.

    Raises:
        InputError: a folder or a map is missing, a file is damaged, of another size than its
            picture, or holds values that the release does not have.
        OSError: the results cannot be written.
    """
    root = Path(root)
    stems = {folder: _find_stems(root, folder) for folder in SPLITS}
    for name in SPLITS.values():
        _prepare_place(root, name)
    for folder, name in SPLITS.items():
        ann_file, seg_dir = root / f"ade20k_panoptic_{name}.json", root / f"ade20k_panoptic_{name}"
        ann_file.unlink(missing_ok=True)
        convert = functools.partial(_convert_picture, root, folder, seg_dir)
        entries = list(map_pictures(convert, stems[folder], workers, f"convert {folder}"))
        content = {
            "images": [image for image, _ in entries],
            "annotations": [annotation for _, annotation in entries],
            "categories": CATEGORIES,
        }
        write_atomically(ann_file, json.dumps(content))
    return {SPLITS[folder]: len(names) for folder, names in stems.items()}


def merge_maps(semantic: np.ndarray, instances: np.ndarray) -> np.ndarray:
    """Segment ids of a picture, by the rules above.

    Args:
        semantic: uint8 (H, W), labels.
        instances: uint8 (H, W, 2), thing class and instance number.

    Returns:
        int32 (H, W); 0 is void.

    Raises:
        InputError: a label above 150, an instance of no class or of several.
    """
    if semantic.max() > LABELS[-1]:
        raise InputError(f"label {semantic.max()} was found; 0 to {LABELS[-1]} were expected")
    classes, numbers = (instances[..., channel].astype(np.int32) for channel in (0, 1))
    covered = numbers > 0
    pairs = np.unique(numbers[covered] * 256 + classes[covered])
    for number, kind in zip((pairs // 256).tolist(), (pairs % 256).tolist(), strict=True):
        if not 1 <= kind <= len(THING_LABELS):
            raise InputError(
                f"instance {number} has class {kind}; 1 to {len(THING_LABELS)} were expected"
            )
    if len(np.unique(pairs // 256)) < len(pairs):
        raise InputError(
            f"{len(pairs)} pairs of class and instance number were found, but only "
            f"{len(np.unique(pairs // 256))} numbers; a number of its own was expected for each"
        )
    stuff_ids = np.full(256, VOID_ID, np.int32)
    stuff_ids[list(STUFF_LABELS)] = 256 * np.array(STUFF_LABELS)
    ids = stuff_ids[semantic]
    ids[covered] = 256 * np.array(THING_LABELS)[classes[covered] - 1] + numbers[covered]
    return ids


def _prepare_place(root: Path, name: str) -> None:
    """Try what a split will write, before the first picture of any."""
    seg_dir = root / f"ade20k_panoptic_{name}"
    check_file_place(root / f"{seg_dir.name}.json")
    try:
        seg_dir.mkdir(exist_ok=True)
    except FileExistsError:
        raise InputError(f"cannot write '{seg_dir}': it is a file; move it away") from None
    check_file_place(seg_dir / "any.png")
    for entry in os.scandir(seg_dir):
        if entry.name.endswith(".png") and entry.is_dir():
            raise InputError(f"cannot write '{entry.path}': it is a folder; move it away")


def _find_stems(root: Path, folder: str) -> list[str]:
    """Stems of a split's pictures; each has both maps."""
    stems = {}
    for kind, suffix in (("images", ".jpg"), *((kind, ".png") for kind in MAPS)):
        place = root / kind / folder
        if not place.is_dir():
            raise InputError(
                f"folder '{place}' does not exist; give the unpacked ADEChallengeData2016 with "
                "annotations_instance in it (docs/data.md)"
            )
        stems[kind] = {path.stem for path in place.glob(f"[!.]*{suffix}")}
        missing = sorted(stems["images"] - stems[kind])
        if missing:
            raise InputError(
                f"'{place}' lacks the maps of {len(missing)} pictures, the first is "
                f"'{missing[0]}{suffix}'; unpack the archive again"
            )
    if not stems["images"]:
        raise InputError(f"'{root / 'images' / folder}' holds no .jpg; unpack the archive again")
    return sorted(stems["images"])


def _convert_picture(root: Path, folder: str, seg_dir: Path, stem: str) -> tuple[dict, dict]:
    """Write the segment PNG of a picture; its entries in ``images`` and ``annotations``."""
    picture = root / "images" / folder / f"{stem}.jpg"
    maps = [root / kind / folder / f"{stem}.png" for kind in MAPS]
    semantic = read_map(maps[0], ("L", "P"), AGAIN)
    instances = read_map(maps[1], ("RGB", "RGBA"), AGAIN)
    width, height = picture_size(picture)
    for path, found in zip(maps, (semantic, instances), strict=True):
        if found.shape[:2] != (height, width):
            raise InputError(
                f"'{path}' is {found.shape[1]} x {found.shape[0]}, its picture '{picture}' "
                f"{width} x {height} (width x height); equal sizes were expected"
            )
    try:
        ids = merge_maps(semantic, instances[..., :2])
    except InputError as error:
        raise InputError(f"'{maps[0]}' and '{maps[1]}': {error}; unpack them again") from None
    write_panoptic_png(seg_dir / f"{stem}.png", ids)
    segments = describe_segments(ids, lambda segment_id: segment_id // 256 - 1)
    image = {"id": stem, "file_name": picture.name, "width": width, "height": height}
    return image, {"image_id": stem, "file_name": f"{stem}.png", "segments_info": segments}
