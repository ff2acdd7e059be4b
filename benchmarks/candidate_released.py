"""The released procedure of evaluating a candidate (docs/deviations.md), of MMDetection's parts."""

import copy
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from os import cpu_count
from pathlib import Path

import numpy as np
import torch
from common import Reader, Stopwatch
from mmdet.evaluation.metrics import CocoMetric, CocoPanopticMetric
from mmdet.models.seg_heads import HeuristicFusionHead
from mmengine.config import ConfigDict
from mmengine.evaluator import Evaluator
from pycocotools import mask as rle
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmpanonas.models.layers.attention import thing_levels
from mmpanonas.panoptic.png import read_panoptic_png
from mmpanonas.space import Arch

AP_SCORE = 0.05
FUSION_SCORE = 0.5


def stuff_limit(test_cfg: ConfigDict) -> int:
    """The config's, or the paper's."""
    return test_cfg.panoptic.get("stuff_area_limit", 64 * 64)


def fusion_rules(test_cfg: ConfigDict) -> ConfigDict:
    """The config's test settings with HeuristicFusionHead's rule in AutoPanopticFusionHead."""
    test_cfg = copy.deepcopy(test_cfg)
    test_cfg.panoptic = ConfigDict(
        score_thr=FUSION_SCORE,
        overlap_thr=0.5,
        order="score",
        overlap_order="painting",
        thing_area_limit=0,
        stuff_area_limit=stuff_limit(test_cfg),
    )
    return test_cfg


class ReleasedProcedure:
    """Recalibrate with losses, predict for AP too, score from files.

    Args:
        model: the supernet.
        dataloader: over nas_val, with panoptic ground truth.
        test_cfg: of the model's config.
        folder: for files.
    """

    def __init__(self, model: nn.Module, dataloader, test_cfg: ConfigDict, folder: Path) -> None:
        self.model, self.dataloader = model, dataloader
        self.dataset, self.folder = dataloader.dataset, folder
        self.fusion = HeuristicFusionHead(
            model.num_things_classes,
            model.num_stuff_classes,
            test_cfg=ConfigDict(mask_overlap=0.5, stuff_area_limit=stuff_limit(test_cfg)),
        )
        self.instances = folder / "instances.json"
        write_instances(self.dataset, self.instances)
        self.maps: list[torch.Tensor] = []
        self.found: list[tuple[int, int]] = []

    def recalibrate(self, arch: Arch, batches: list[dict]) -> dict[str, float]:
        """Take BN statistics as moving averages of training passes with losses; seconds."""
        watch = Stopwatch()
        watch.timed("recalibration", self._recalibrate)(arch, batches)
        return watch.seconds

    @torch.no_grad()
    def _recalibrate(self, arch: Arch, batches: list[dict]) -> None:
        self.model.set_arch(arch)
        for module in self.model.modules():
            if isinstance(module, _BatchNorm):
                module.reset_running_stats()
        self.model.train()
        for batch in batches:
            data = self.model.data_preprocessor(copy.deepcopy(batch), True)
            self.model.loss(data["inputs"], data["data_samples"])
        self.model.eval()

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], dict[str, float]]:
        """Predict nas_val and score PQ, box AP and mask AP: seconds and metrics.

        Keeps the panoptic maps and, per picture, the detections (for AP, for fusion).
        """
        self.maps, self.found, watch = [], [], Stopwatch()
        evaluator = self._evaluator()
        predict = watch.timed("prediction, fusion", self._predict)
        process = watch.timed("scoring", evaluator.process)
        with ap_scores(self.model):
            for batch in Reader(self.dataloader, watch):
                samples = predict(batch)
                # The metric writes into the maps.
                self.maps += [s.pred_panoptic_seg.sem_seg.cpu().clone() for s in samples]
                process(data_samples=samples, data_batch=batch)
        metrics = watch.timed("scoring", evaluator.evaluate)(len(self.dataset))
        shutil.rmtree(self.folder / "out")
        return watch.seconds, metrics

    def _predict(self, batch: dict) -> list:
        """TwoStagePanopticSegmentor's prediction, instances kept beside the fused map."""
        model = self.model
        data = model.data_preprocessor(batch, False)
        samples = data["data_samples"]
        features = model.features(data["inputs"])
        levels = thing_levels(features)
        proposals = model.rpn_head.predict(levels, samples, rescale=False)
        instances = model.roi_head.predict(levels, proposals, samples, rescale=True)
        metas = [sample.metainfo for sample in samples]
        logits = model.semantic_head.predict(features, metas, True)
        sure = [found[found.scores >= FUSION_SCORE] for found in instances]
        self.found += [(len(a), len(b)) for a, b in zip(instances, sure, strict=True)]
        fused = self.fusion.predict(sure, logits)
        for sample, found, panoptic in zip(samples, instances, fused, strict=True):
            sample.pred_instances, sample.pred_panoptic_seg = found, panoptic
        return samples

    def _evaluator(self) -> Evaluator:
        panoptic = CocoPanopticMetric(
            ann_file=self.dataset.ann_file,
            seg_prefix=self.dataset.data_prefix["seg"],
            outfile_prefix=str(self.folder / "out" / "results"),
            nproc=cpu_count(),
        )
        boxes_and_masks = CocoMetric(ann_file=str(self.instances), metric=["bbox", "segm"])
        evaluator = Evaluator([panoptic, boxes_and_masks])
        evaluator.dataset_meta = self.dataset.metainfo
        return evaluator


@contextmanager
def ap_scores(model: nn.Module) -> Iterator[None]:
    """Keep detections from AP's score on."""
    test_cfg, before = model.roi_head.test_cfg, model.roi_head.test_cfg.score_thr
    test_cfg.score_thr = AP_SCORE
    try:
        yield
    finally:
        test_cfg.score_thr = before


def write_instances(dataset, path: Path) -> None:
    """COCO instance annotations of a panoptic data set's things, masks as run lengths."""
    content = json.loads(Path(dataset.ann_file).read_text())
    things = {c["id"]: c for c in content["categories"] if c["isthing"]}
    annotations = []
    for annotation in content["annotations"]:
        ids = read_panoptic_png(Path(dataset.data_prefix["seg"]) / annotation["file_name"])
        for segment in annotation["segments_info"]:
            if segment["category_id"] not in things:
                continue
            mask = rle.encode(np.asfortranarray(ids == segment["id"], dtype=np.uint8))
            entry = {key: segment[key] for key in ("category_id", "area", "bbox", "iscrowd")}
            entry |= {"id": len(annotations) + 1, "image_id": annotation["image_id"]}
            entry["segmentation"] = {"size": mask["size"], "counts": mask["counts"].decode()}
            annotations.append(entry)
    categories = sorted(things.values(), key=lambda c: dataset.cat2label[c["id"]])
    content = {"info": {}, "images": content["images"], "categories": categories}
    path.write_text(json.dumps(content | {"annotations": annotations}))
