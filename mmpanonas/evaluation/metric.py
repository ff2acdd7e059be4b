"""PQ as a metric of MMEngine's evaluator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from mmdet.registry import METRICS
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log

from mmpanonas.errors import InputError
from mmpanonas.evaluation.results import PanopticResults, read_category_ids, write_json
from mmpanonas.evaluation.samples import (
    further_maps,
    ground_truth,
    predicted_label,
    prediction_ids,
)
from mmpanonas.evaluation.totals import GROUPS, KEYS, add_counts, class_scores, group_scores
from mmpanonas.panoptic.png import VOID_ID
from mmpanonas.panoptic.quality import (
    Counts,
    picture_counts,
    segment_overlaps,
)
from mmpanonas.printing import text_table
from mmpanonas.values import checked


@METRICS.register_module()
class PanopticQualityMetric(BaseMetric):
    """PQ, SQ and RQ in percent, over all classes, things (``_th``) and stuff (``_st``).

    The ground truth comes with each data sample: ``img_id``, ``ori_shape``, ``seg_map_path``
    (PNG of segment ids) and ``segments_info`` (dicts ``id``, ``category`` = label,
    ``is_thing``; a segment of a thing class with ``is_thing`` false is a crowd, one of a stuff
    class with ``is_crowd``) and, where the data set leaves segments out, their ``void_ids``. A
    picture without annotation has neither PNG nor segments. The prediction is
    ``pred_panoptic_seg.sem_seg`` (1, H, W): label + instance number * ``INSTANCE_OFFSET``,
    void = number of classes. Labels count things first, as in ``dataset_meta``. Further maps of the
    same picture, ``pred_panoptic_seg.sem_seg_<name>`` (other presets of the fusion), are scored
    too, as ``<name>/PQ`` and so on; what is written and told by class is of the first map.

    A class counts in a mean if it was predicted or annotated anywhere; the mean over no
    class is 0. Per-picture counts are added in the order of image ids, so that the answer is
    the same to the last bit for any order of pictures and any number of ranks; a picture that
    comes twice counts once.

    Args:
        classwise: log a table with a row per class.
        table: log a table of all, things and stuff (a search has its own).
        outfile_prefix: when set, write COCO panoptic results: ``<prefix>.panoptic.json`` and
            the folder ``<prefix>.panoptic`` of PNGs, as :class:`PanopticResults` says. Category
            ids are those that ``ann_file`` gives the classes, by name, else those of
            ``dataset_meta['category_ids']`` (one per label), else label + 1. ``<prefix>.pq.json``
            holds the scores, per group and per class.
        ann_file: annotation file whose category ids the written results use.
        format_only: write the files and compute nothing; needs no ground truth.
        collect_device, prefix, collect_dir: see :class:`mmengine.evaluator.BaseMetric`.

    Attributes:
        scores_file: JSON file that gets the scores as soon as they are known, before any other
            file is written; None writes none.
        file_names: name of each picture's PNG by its ``img_path``; the stem of ``seg_map_path``
            by default.
        problems: what could not be written, in words, on rank 0.
    """

    default_prefix = "coco_panoptic"

    @checked
    def __init__(
        self,
        classwise: bool = False,
        table: bool = True,
        outfile_prefix: str | None = None,
        ann_file: str | None = None,
        format_only: bool = False,
        collect_device: str = "cpu",
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if format_only and outfile_prefix is None:
            raise InputError("format_only=True writes files: outfile_prefix must say where")
        self.classwise, self.table = classwise, table
        self.outfile_prefix, self.ann_file = outfile_prefix, ann_file
        self.format_only = format_only
        self.scores_file: Path | None = None
        self.file_names: Mapping[str, str] = {}
        self.problems: list[str] = []

    @property
    def metric_names(self) -> list[str]:
        """The names of all that is computed, as the evaluator will call it."""
        if self.format_only:
            return []
        keys = [key + suffix for suffix in GROUPS.values() for key in KEYS]
        return [f"{self.prefix}/{key}" for key in keys]

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Reduce each picture to counts, appended to ``self.results``.

        Raises:
            InputError: no ground truth in a sample, sizes unequal, unknown labels or ids.
        """
        for sample in data_samples:
            number = len(self._classes()[0])
            ids = prediction_ids(sample, number)
            result = {"key": (sample["img_id"], str(sample.get("seg_map_path")))}
            if self.outfile_prefix is not None:
                result |= self._write_png(sample, ids)
            if not self.format_only:
                names = further_maps(sample)
                others = [prediction_ids(sample, number, name) for name in names]
                result["counts"], *further = self._counts(sample, [ids, *others])
                result["further"] = dict(zip(names, further, strict=True))
            self.results.append(result)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """PQ, SQ, RQ, and the same with ``_th`` and ``_st``, in percent, not rounded.

        Works on any list of results, so also on those of one rank (``metric.results``).
        """
        self.problems = []
        metrics = {} if self.format_only else self._scores(results)
        if self.outfile_prefix is not None and is_main_process():
            self._write_results(results, metrics)
        for problem in self.problems:
            print_log(problem, MMLogger.get_current_instance(), logging.ERROR)
        return metrics

    def _scores(self, results: list[dict]) -> dict[str, float]:
        """The metrics, logged in tables and stored in ``scores_file``."""
        classes, num_things = self._classes()
        metrics = {}
        for name in (None, *(results[0]["further"] if results else ())):
            scores, rows = group_scores(add_counts(results, len(classes), name), num_things)
            metrics |= {f"{name}/{key}" if name else key: v for key, v in scores.items()}
            if self.table:
                _log_table([[name or "", *KEYS, "classes"], *rows])
        if self.scores_file is not None and is_main_process():
            named = {f"{self.prefix}/{key}": value for key, value in metrics.items()}
            self._try_to_write(self.scores_file, lambda: write_json(self.scores_file, named))
        if self.classwise:
            table = []
            for row in self.per_class(results):
                counts = [row[key] for key in ("n_tp", "n_fp", "n_fn")]
                table.append([row["name"], *(f"{row[key]:.3f}" for key in KEYS), *counts])
            _log_table([["class", *KEYS, "TP", "FP", "FN"], *table])
        return metrics

    def per_class(self, results: list[dict], which: str | None = None) -> list[dict]:
        """The rows of :func:`class_scores`, for reports; ``which``: a further map's name."""
        classes, num_things = self._classes()
        return class_scores(add_counts(results, len(classes), which), classes, num_things)

    def _counts(self, sample: dict, predictions: Sequence[np.ndarray]) -> list[dict[int, Counts]]:
        """Match each of a picture's predictions (H, W) with its ground truth."""
        classes, num_things = self._classes()
        truth, annotated = ground_truth(sample, len(classes), num_things)
        return [self._matched(sample, truth, annotated, ids) for ids in predictions]

    def _matched(
        self,
        sample: dict,
        truth: np.ndarray,
        annotated: dict[int, tuple[int, bool]],
        ids: np.ndarray,
    ) -> dict[int, Counts]:
        path = sample.get("seg_map_path")
        if truth.shape != ids.shape:
            raise InputError(
                f"picture {sample['img_id']}: the prediction is {ids.shape}, the ground "
                f"truth {path} is {truth.shape} (height, width)"
            )
        overlaps = segment_overlaps(truth, ids)
        unknown = sorted({i for i, _ in overlaps} - {VOID_ID} - annotated.keys())
        if unknown:
            raise InputError(f"{path}: ids {unknown[:5]} are in the PNG and not in segments_info")
        predicted = {i: predicted_label(i) for _, i in overlaps if i != VOID_ID}
        return picture_counts(overlaps, annotated, predicted)

    def _classes(self) -> tuple[list[str], int]:
        """Class names by label and the number of thing classes, which come first."""
        meta = self.dataset_meta or {}
        missing = [key for key in ("classes", "thing_classes") if key not in meta]
        if missing:
            raise InputError(f"the data set's metainfo lacks {missing}, which PQ needs")
        classes, things = list(meta["classes"]), list(meta["thing_classes"])
        if classes[: len(things)] != things:
            raise InputError("'classes' must begin with 'thing_classes': labels count things first")
        return classes, len(things)

    @cached_property
    def _files(self) -> PanopticResults:
        classes, num_things = self._classes()
        ids = self.dataset_meta.get("category_ids")
        if self.ann_file is not None:
            ids = read_category_ids(self.ann_file, classes, ids)
        return PanopticResults(self.outfile_prefix, classes, num_things, ids)

    def _write_png(self, sample: dict, ids: np.ndarray) -> dict:
        """Write one predicted map; its ``annotation`` in the results file, or the ``problem``."""
        stem = Path(sample.get("seg_map_path") or sample["img_path"]).stem
        stem = self.file_names.get(sample.get("img_path"), stem)
        try:
            self._files.write_png(stem, ids)
        except OSError as error:
            return {"problem": f"{self._files.folder / stem}.png: {error.strerror or error}"}
        return {"annotation": self._files.annotation(sample["img_id"], stem, ids)}

    def _write_results(self, results: list[dict], metrics: dict) -> None:
        """Write the scores and the results file, pictures in the order of their ids."""
        pictures = {result["key"]: result for result in results}
        self.problems += [r["problem"] for r in pictures.values() if "problem" in r]
        entries = [
            pictures[key]["annotation"] for key in sorted(pictures) if "annotation" in pictures[key]
        ]
        if not self.format_only:
            path = f"{self.outfile_prefix}.pq.json"
            content = {"metrics": metrics, "classes": self.per_class(results)}
            self._try_to_write(path, lambda: write_json(path, content))
        self._try_to_write(self._files.json_path, lambda: self._files.write_json(entries))

    def _try_to_write(self, path: object, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self.problems.append(f"{path}: {error.strerror or error}")
        except InputError as error:
            self.problems.append(f"{path}: {error}")


def _log_table(rows: Sequence[Sequence[object]]) -> None:
    text = f"Panoptic quality:\n{text_table(rows)}"
    print_log(text, logger=MMLogger.get_current_instance())
