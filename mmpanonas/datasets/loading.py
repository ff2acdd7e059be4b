"""Loading of panoptic annotations, without a comparison of the whole picture per segment."""

from collections.abc import Sequence

import numpy as np
from mmdet.datasets.transforms import LoadAnnotations
from mmdet.registry import TRANSFORMS
from mmdet.structures.mask import BitmapMasks
from mmengine import fileio

from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import MAX_ID, VOID_ID, decode_panoptic_png, read_panoptic_png
from mmpanonas.panoptic.runs import Runs
from mmpanonas.values import checked

UNKNOWN = -1


def index_segments(
    ids: np.ndarray, segment_ids: Sequence[int], void_ids: Sequence[int] = ()
) -> np.ndarray:
    """Number segments by their place in a list.

    Args:
        ids: integers of any shape in 0 .. 2^24 - 1, 0 is void; one per run is enough.
        segment_ids: distinct ids above 0.
        void_ids: further ids that count as void.

    Returns:
        int32 of the shape of ``ids``: 0 for void, k + 1 for ``segment_ids[k]``, -1 for any other.

    Raises:
        InputError: an id of the list is out of range or there twice.
    """
    listed = [*segment_ids, *void_ids]
    if len(set(listed)) != len(listed) or not all(0 < value <= MAX_ID for value in listed):
        raise InputError(
            f"segment ids are {listed}; distinct ids from 1 to {MAX_ID} were expected "
            f"({VOID_ID} means void): number the segments anew"
        )
    known = np.array([VOID_ID, *void_ids, *segment_ids], np.int32)
    numbers = np.zeros(len(known), np.int32)
    numbers[len(known) - len(segment_ids) :] = np.arange(1, len(segment_ids) + 1)
    order = np.argsort(known)
    known, numbers = known[order], numbers[order]
    place = np.searchsorted(known, ids)
    is_known = known.take(place, mode="clip") == ids
    return np.where(is_known, numbers.take(place, mode="clip"), UNKNOWN)


def segment_masks(runs: Runs, numbers: np.ndarray, chosen: Sequence[bool]) -> np.ndarray:
    """Masks uint8 (N, H, W) of the N chosen of the segments, which the runs' ``numbers`` (R,) name.

    Segments count from 1; one without pixels has an empty mask.
    """
    index = runs.paint(numbers.astype(np.min_scalar_type(len(chosen))))
    # Where an index repeats, what is written last stays: the first and the last run of a number.
    first, last = np.zeros((2, len(chosen) + 1), int)
    places = np.arange(len(numbers))
    first[numbers[::-1]] = places[::-1]
    last[numbers] = places
    width = runs.shape[1]
    tops = runs.starts[first] // width
    bottoms = (runs.starts[last] + runs.lengths[last] - 1) // width + 1
    shown = [number for number, is_chosen in enumerate(chosen, start=1) if is_chosen]
    masks = np.zeros((len(shown), *runs.shape), np.uint8)
    for mask, number in zip(masks, shown, strict=True):
        rows = slice(tops[number], bottoms[number])  # the others are not even touched
        np.equal(index[rows], number, out=mask[rows].view(bool))
    return masks


@TRANSFORMS.register_module()
class LoadPanopticSegments(LoadAnnotations):
    """Load boxes, labels, masks and the semantic map of a panoptic picture.

    Takes the place of :class:`mmdet.datasets.transforms.LoadPanopticAnnotations`. Needs the
    keys ``instances``, ``segments_info`` and ``seg_map_path`` (None for a picture without
    annotation: no masks, all void) and ``ori_shape`` or ``height`` and ``width``. Adds:

    - gt_bboxes (N, 4) x1 y1 x2 y2, gt_bboxes_labels int64 (N,), gt_ignore_flags bool (N,)
    - gt_masks, BitmapMasks of N masks (H, W), in the order of ``instances``: what the PNG shows of
      them or, of ``whole_things`` (:class:`PanopticDataset`, ``things_file``), their own ``mask``
    - gt_seg_map uint8 (H, W), labels of the classes, 255 for void
    - ignore_index, 255

    Args:
        with_bbox: whether to add the boxes; likewise ``with_label``, ``with_mask``, ``with_seg``.
        kwargs: as for :class:`mmdet.datasets.transforms.LoadAnnotations`.

    Raises:
        InputError: the segment PNG does not exist, is damaged, of another size than the picture,
            or holds unlisted ids.
    """

    @checked
    def __init__(
        self,
        with_bbox: bool = True,
        with_label: bool = True,
        with_mask: bool = True,
        with_seg: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(
            with_bbox=with_bbox,
            with_label=with_label,
            with_mask=with_mask,
            with_seg=with_seg,
            **kwargs,
        )

    def transform(self, results: dict) -> dict:
        """Add the annotations to a sample; see the class for the keys."""
        if self.with_bbox:
            self._load_bboxes(results)
        if self.with_label:
            self._load_labels(results)
        if self.with_mask or self.with_seg:
            ids = self._read_ids(results)
            runs = Runs.of(ids)
            numbers = _known_segments(results, runs.values(ids))
            segments = results["segments_info"]
            if self.with_mask and results.get("whole_things"):
                results["gt_masks"] = self._whole_masks(results, ids.shape)
            elif self.with_mask:
                is_thing = [segment["is_thing"] for segment in segments]
                # Given later, for BitmapMasks copies all that its constructor is given.
                results["gt_masks"] = BitmapMasks([], *ids.shape)
                results["gt_masks"].masks = segment_masks(runs, numbers, is_thing)
            if self.with_seg:
                labels = [self.ignore_index, *(segment["category"] for segment in segments)]
                results["gt_seg_map"] = runs.paint(np.array(labels, np.uint8)[numbers])
                results["ignore_index"] = self.ignore_index
        return results

    def _whole_masks(self, results: dict, size: tuple[int, int]) -> BitmapMasks:
        """Masks that the instances bring with them; what has none is ignored."""
        masks = [self._poly2mask(mask, *size) for mask in self._process_masks(results)]
        wrong = [mask.shape for mask in masks if mask.shape != size]
        if wrong:
            raise InputError(
                f"picture '{results['img_path']}' is {size} (height, width), a mask of its things "
                f"{wrong[0]}: things_file must belong to the annotation file"
            )
        return BitmapMasks(masks, *size)

    def _read_ids(self, results: dict) -> np.ndarray:
        """Read the PNG of a sample; segment ids (H, W)."""
        path, segments = results["seg_map_path"], results["segments_info"]
        shape = tuple(results.get("ori_shape") or (results["height"], results["width"]))
        if path is None:
            if segments:
                raise InputError(
                    f"picture '{results['img_path']}' has {len(segments)} segments but no segment "
                    "PNG; name the folder of the PNGs in data_prefix['seg'] of the data set, or "
                    "leave LoadPanopticSegments out of its pipeline"
                )
            return np.zeros(shape, np.int32)
        if self.backend_args is None:
            ids = read_panoptic_png(path)
        else:
            ids = decode_panoptic_png(fileio.get(path, self.backend_args), path)
        if ids.shape != shape:
            raise InputError(
                f"panoptic PNG '{path}' is {ids.shape[1]} x {ids.shape[0]}, its picture "
                f"'{results['img_path']}' {shape[1]} x {shape[0]} (width x height); sizes must be "
                "equal: write the PNG at the picture's size"
            )
        return ids


def _known_segments(results: dict, ids: np.ndarray) -> np.ndarray:
    """Number ids read from a sample's PNG by :func:`index_segments`; unlisted ids are refused."""
    listed = [segment["id"] for segment in results["segments_info"]]
    try:
        numbers = index_segments(ids, listed, results.get("void_ids", ()))
    except InputError as error:
        raise InputError(f"picture '{results['img_path']}': {error}") from None
    if numbers.min() == UNKNOWN:
        unknown = np.unique(ids[numbers == UNKNOWN]).tolist()
        raise InputError(
            f"panoptic PNG '{results['seg_map_path']}' holds the ids {unknown[:10]} "
            f"({len(unknown)} in all) that the annotation file does not list for it; it lists "
            f"{listed}. Ids must be written as R + 256 G + 256^2 B: check that JSON and PNGs "
            "belong together"
        )
    return numbers
