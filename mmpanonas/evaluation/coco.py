"""COCO's average precision as the fitness of a search."""

import tempfile
from contextlib import redirect_stdout
from io import StringIO

import mmengine
from mmdet.datasets.api_wrappers import COCO, COCOeval
from mmdet.evaluation import CocoMetric
from mmdet.registry import METRICS
from mmengine.evaluator import BaseMetric

from mmpanonas.errors import InputError

#: The names of COCO's twelve numbers, as MMDetection calls those that it reports.
_ITEMS = ("mAP", "mAP_50", "mAP_75", "mAP_s", "mAP_m", "mAP_l")


@METRICS.register_module()
class CocoFitness(CocoMetric):
    """MMDetection's ``CocoMetric`` of boxes or masks, for ranking.

    Its numbers are those of ``CocoMetric`` but unrounded (that rounds to a thousandth, where many
    candidates of a search are equal); a network that finds nothing scores 0 instead of nothing; and
    nothing is printed.

    Args: those of ``CocoMetric``, of which ``metric`` is "bbox", "segm" or both.

    Raises:
        InputError: another ``metric``, or options that only a report has.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not set(self.metrics) <= {"bbox", "segm"} or self.classwise or self.format_only:
            raise InputError(
                "CocoFitness ranks by metric='bbox' or 'segm'; for proposals, classwise or "
                "format_only take type='CocoMetric'"
            )

    @property
    def metric_names(self) -> list[str]:
        """The names of all that is computed, as the evaluator will call it."""
        return [f"{self.prefix}/{key}" for key in coco_names(self)]

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The numbers by name; -1 where no object of that size is annotated, as in COCO's code."""
        truths, predictions = zip(*results, strict=True)
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
            if self._coco_api is None:
                self._coco_api = COCO(self.gt_to_coco_json(truths, f"{folder}/truth"))
            api = self._coco_api
            self.cat_ids = api.get_cat_ids(cat_names=self.dataset_meta["classes"])
            self.img_ids = api.get_img_ids()
            files = self.results2json(predictions, f"{folder}/found")
            stats = {kind: self._stats(kind, files[kind]) for kind in self.metrics}
        items = self.metric_items or _ITEMS
        places = [_ITEMS.index(item) for item in items]
        return {
            f"{kind}_{item}": stats[kind][place]
            for kind in self.metrics
            for item, place in zip(items, places, strict=True)
        }

    def _stats(self, kind: str, file: str) -> list[float]:
        found = mmengine.load(file)
        for each in found if kind == "segm" else ():
            each.pop("bbox", None)  # else sizes would be those of the boxes
        if not found:
            return [0.0] * len(_ITEMS)
        scores = COCOeval(self._coco_api, self._coco_api.loadRes(found), kind)
        scores.params.catIds, scores.params.imgIds = self.cat_ids, self.img_ids
        scores.params.maxDets = list(self.proposal_nums)
        scores.params.iouThrs = self.iou_thrs
        scores.evaluate()
        scores.accumulate()
        scores.summarize()
        return [float(value) for value in scores.stats[: len(_ITEMS)]]


def coco_names(metric: CocoMetric) -> list[str]:
    """The keys of what a ``CocoMetric`` computes whatever it sees."""
    if metric.format_only:
        return []
    items = metric.metric_items or _ITEMS
    names = [
        f"{kind}_{item}" for kind in metric.metrics if "proposal" not in kind for item in items
    ]
    if any("proposal" in kind for kind in metric.metrics):
        names += [f"AR@{number}" for number in metric.proposal_nums]
    return names


def metric_names(metric: BaseMetric) -> list[str] | None:
    """The full names of what a metric computes, as far as it is known before; None: it is not."""
    if hasattr(metric, "metric_names"):
        return metric.metric_names
    if type(metric) is CocoMetric and not metric.classwise:
        return [full_name(metric, key) for key in coco_names(metric)]
    return None


def full_name(metric: BaseMetric, key: str) -> str:
    """What the evaluator calls a metric's ``key``."""
    return f"{metric.prefix}/{key}" if metric.prefix else key
