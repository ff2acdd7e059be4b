"""A hook that draws the first pictures of a test: input, ground truth, prediction."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from mmdet.registry import HOOKS
from mmengine import fileio
from mmengine.dist import master_only
from mmengine.hooks import Hook

from mmpanonas.errors import InputError
from mmpanonas.file_names import dataset_names, unused_stem
from mmpanonas.panoptic.png import read_panoptic_png
from mmpanonas.values import Count, checked
from mmpanonas.visualization.pictures.panels import PanelSample, draw_panels
from mmpanonas.visualization.pictures.segments import INSTANCE_OFFSET, known_palette


@HOOKS.register_module()
class PanopticPanelHook(Hook):
    """Write ``<work_dir>/<folder>/<name>.png`` for the first pictures of every test.

    Rank 0 alone draws, from the pictures that it sees. A data sample needs ``img_path``
    and ``pred_panoptic_seg``; with ``seg_map_path`` and ``segments_info`` (the keys of
    MMDetection's panoptic data sets, named in ``meta_keys`` of the packing transform) the
    ground truth is drawn too.

    Names keep the folders below the data set's folder of pictures: ``seq1/0001.png``. A picture
    that cannot be drawn or written is named in ``problems`` and in the log, and stops nothing.

    Args:
        num_pictures: how many; 0 turns the hook off.
        folder: below the work dir.
        val: draw at every validation as well, replacing the pictures of the last one.
    """

    priority = "LOW"

    @checked
    def __init__(
        self, num_pictures: Count = 8, folder: str = "pictures", val: bool = False
    ) -> None:
        self.num_pictures = num_pictures
        self.folder = folder
        self.val = val
        self.problems: list[str] = []
        self._tried = 0
        self._stems: set[str] = set()
        self._names: dict[str, str] | None = None

    def before_test(self, runner) -> None:
        """Start counting pictures."""
        self.problems, self._tried, self._stems, self._names = [], 0, set(), None

    def before_val_epoch(self, runner) -> None:
        """Start counting pictures."""
        self.before_test(runner)

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Draw the pictures of one batch, up to ``num_pictures`` in all."""
        self._draw(runner, outputs or (), runner.test_dataloader)

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """The same for validation, where ``val`` asks for it."""
        if self.val:
            self._draw(runner, outputs or (), runner.val_dataloader)

    def after_test(self, runner) -> None:
        """Say where the pictures lie."""
        self._report(runner)

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Say where the pictures lie, where ``val`` asks for them."""
        if self.val:
            self._report(runner)

    @master_only
    def _report(self, runner) -> None:
        for problem in self.problems:
            runner.logger.error(problem)
        count = self._tried - len(self.problems)
        if count:
            folder = Path(runner.work_dir) / self.folder
            runner.logger.info(f"{count} picture{'s' * (count > 1)} written to {folder}")

    @master_only
    def _draw(self, runner, outputs: Sequence, dataloader) -> None:
        outputs = outputs[: self.num_pictures - self._tried]
        if not outputs:
            return
        if self._names is None:
            self._names = dataset_names(dataloader.dataset, of_maps=False)
        for data_sample in outputs:
            name = self._names.get(data_sample.img_path, Path(data_sample.img_path).stem)
            name = unused_stem(name, self._stems)
            path = Path(runner.work_dir) / self.folder / f"{name}.png"
            self._tried += 1
            try:
                self._draw_one(runner, data_sample, path, dataloader)
            except Exception as error:  # a picture must not cost the scores of the run
                said = getattr(error, "strerror", None) or error
                self.problems.append(f"{path}: {said or type(error).__name__}")

    def _draw_one(self, runner, data_sample, path: Path, dataloader) -> None:
        meta = _dataset_meta(runner, dataloader)
        classes, palette = meta["classes"], known_palette(meta)
        panel = panel_sample(data_sample, read_picture(data_sample.img_path), len(classes))
        draw_panels([panel], path, classes, palette)


def panel_sample(
    data_sample,
    image: np.ndarray,
    num_classes: int,
    draw_gt: bool = True,
    draw_pred: bool = True,
    name: str = "",
) -> PanelSample:
    """What a panel shows of one tested ``DetDataSample``, whose picture is RGB (H, W, 3).

    It is named after its file; ``name`` is that of one without.

    Raises:
        InputError: the panoptic PNG is missing or cannot be decoded, or the sizes differ.
    """
    return PanelSample(
        image=image,
        prediction=panoptic_prediction(data_sample) if draw_pred else None,
        truth=panoptic_truth(data_sample, num_classes) if draw_gt else None,
        name=os.path.basename(data_sample.get("img_path") or name),
    )


def panoptic_prediction(data_sample) -> np.ndarray:
    """The predicted ``label + 1000 * instance`` (H, W) of a ``DetDataSample``."""
    found = data_sample.pred_panoptic_seg.sem_seg
    found = found.detach().cpu().numpy() if hasattr(found, "cpu") else np.asarray(found)
    return found.reshape(found.shape[-2:])


def panoptic_truth(data_sample, num_classes: int) -> np.ndarray | None:
    """The ground truth that a ``DetDataSample`` names, see :func:`truth_map`; None without one.

    Raises:
        InputError: the panoptic PNG is missing or cannot be decoded.
    """
    png, segments = data_sample.get("seg_map_path"), data_sample.get("segments_info")
    if png is None or segments is None:
        return None
    return truth_map(read_panoptic_png(png), segments, num_classes)


def read_picture(path: str) -> np.ndarray:
    """A picture as uint8 RGB (H, W, 3), from any of MMEngine's file backends.

    Raises:
        InputError: it does not exist, or cannot be read or decoded.
    """
    try:
        data = np.frombuffer(fileio.get(path), np.uint8)
    except FileNotFoundError:
        raise InputError(f"picture {path} does not exist") from None
    except (OSError, ImportError, KeyError, ValueError) as error:  # of backends, too
        said = getattr(error, "strerror", None) or error
        raise InputError(f"picture {path} cannot be read: {said}") from None
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error as error:
        raise InputError(f"picture {path} cannot be decoded: {error.err}") from None
    if pixels is None:
        raise InputError(f"picture {path} cannot be decoded ({data.size} bytes)")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def truth_map(ids: np.ndarray, segments: Sequence[Mapping], num_classes: int) -> np.ndarray:
    """Segment ids (H, W) of a panoptic PNG as ``label + 1000 * instance``, int64 (H, W).

    ``segments`` holds ``id``, ``category`` (contiguous label) and ``is_thing`` of each
    segment. Things are numbered from 1 within their class; an id that is not listed, such
    as 0, becomes void, ``num_classes``.
    """
    values, inverse = np.unique(ids, return_inverse=True)
    counts: dict[int, int] = {}
    codes = {}
    for segment in segments:
        label = int(segment["category"])
        number = 0
        if segment["is_thing"]:
            number = counts[label] = counts.get(label, 0) + 1
        codes[int(segment["id"])] = label + INSTANCE_OFFSET * number
    table = np.array([codes.get(int(one), num_classes) for one in values], dtype=np.int64)
    return table[inverse.reshape(ids.shape)]


def _dataset_meta(runner, dataloader) -> Mapping:
    meta = getattr(runner.visualizer, "dataset_meta", None) or {}
    if "classes" not in meta:
        meta = dataloader.dataset.metainfo
    if "classes" not in meta:
        raise InputError("PanopticPanelHook: the data set's metainfo names no classes")
    return meta
