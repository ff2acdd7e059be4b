"""The fitness of a search is any key of any metric, known before the first candidate."""

from functools import partial

import pytest
import torch
from mmdet.evaluation import CocoMetric
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS
from mmengine.runner import Runner

from mmpanonas.config import ConfigError, load_config
from mmpanonas.errors import InputError
from mmpanonas.evaluation import CocoFitness
from mmpanonas.evaluation.coco import metric_names
from mmpanonas.records import read_search
from mmpanonas.search.evaluator import build_evaluator
from mmpanonas.search.fitness import check_metric, check_pictures, evaluate
from mmpanonas.space import Arch
from tests.detectors.conftest import CONFIGS

ARCH = Arch(backbone=("shuffle_3x3",) * 10)


@METRICS.register_module()
class BoxesFound(BaseMetric):
    """Says nothing of what it computes."""

    def process(self, data_batch, data_samples) -> None:
        self.results += [float(each["pred_instances"]["scores"].sum()) for each in data_samples]

    def compute_metrics(self, results) -> dict[str, float]:
        return dict(boxes=sum(results), pictures=len(results))


@pytest.fixture
def runner(small, tmp_path):
    """A function from overrides to a search's runner of random weights."""

    def make(metric: str = "coco/bbox_mAP", **options) -> Runner:
        chosen = small | {"work_dir": str(tmp_path / "work")} | options
        chosen["val_cfg.metric"] = metric
        cfg = load_config(CONFIGS / "shapes_retinanet_search_evolution.py", chosen)
        return Runner.from_cfg(cfg)

    return make


def test_our_metric_is_mmdetections_unrounded(runner, boxes_root):
    evaluator = build_evaluator(runner())
    ours = evaluator.evaluator.metrics[0]
    assert type(ours) is CocoFitness
    theirs = CocoMetric(ann_file=str(boxes_root / "annotations/instances_nas_val.json"))
    theirs.dataset_meta = ours.dataset_meta
    torch.manual_seed(0)
    for batch in evaluator.dataloader:
        samples = evaluator.model.eval().val_step(batch)
        for sample in samples:  # some boxes are the true ones, a little moved
            truth = [a["bbox"] for a in ours._coco_api.imgToAnns[sample.img_id]]
            boxes = torch.tensor(truth)[: len(sample.pred_instances)]
            boxes[:, 2:] += boxes[:, :2]
            sample.pred_instances.bboxes[: len(boxes)] = boxes + 2 * torch.rand(len(boxes), 1)
        samples = [sample.to_dict() for sample in samples]
        ours.process(batch, samples)
        theirs.process(batch, samples)
    results = list(ours.results)
    found = ours.compute_metrics(results)
    expected = theirs.compute_metrics(list(theirs.results))
    assert {key: float(f"{value:.3f}") for key, value in found.items()} == pytest.approx(
        expected, abs=1.01e-3
    )
    assert list(found) == list(expected)
    assert 0 < found["bbox_mAP"] < 1
    assert found["bbox_mAP"] != round(found["bbox_mAP"], 3)
    nothing = [
        (
            gt,
            dict(
                pred,
                bboxes=pred["bboxes"][:0],
                scores=pred["scores"][:0],
                labels=pred["labels"][:0],
            ),
        )
        for gt, pred in results
    ]
    assert set(ours.compute_metrics(nothing).values()) == {0.0}


def test_names_are_known_before(boxes_root):
    file = str(boxes_root / "annotations/instances_val.json")
    plain = CocoMetric(ann_file=file, metric=["bbox", "segm"])
    assert metric_names(plain)[:2] == ["coco/bbox_mAP", "coco/bbox_mAP_50"]
    assert "coco/segm_mAP_l" in metric_names(plain)
    assert metric_names(CocoMetric(ann_file=file, classwise=True)) is None
    check_metric("coco/bbox_mAP", [plain])
    with pytest.raises(InputError, match=r"got 'coco/bbox_map'; the nearest is coco/bbox_mAP$"):
        check_metric("coco/bbox_map", [plain])
    with pytest.raises(InputError, match="metric='bbox' or 'segm'"):
        CocoFitness(ann_file=file, classwise=True)


def test_any_metric_may_be_the_fitness_and_the_smaller_the_better(runner, tmp_path):
    plain = {"val_evaluator": dict(type="BoxesFound", _delete_=True)}
    options = plain | {"val_cfg.sense": "smaller"}
    best = runner("boxes", **options).val()
    data = read_search(tmp_path / "work")
    found = [each.metrics["boxes"] for each in data.candidates]
    assert best["boxes"] == min(found) == -best["-boxes"]
    assert best["pictures"] == 4
    assert data.metric == "-boxes"
    assert data.winner.metrics["boxes"] == min(found)
    assert len(set(found)) > 1
    with pytest.raises(ConfigError, match=r"val_cfg\.sense: expected"):
        runner("boxes", **plain, **{"val_cfg.sense": "less"})


def test_what_no_metric_computes_is_refused_before_the_first_candidate(runner, tmp_path):
    with pytest.raises(InputError, match=r"expected one of boxes, pictures, got 'found_boxes'"):
        runner("found_boxes", **{"val_evaluator": dict(type="BoxesFound", _delete_=True)}).val()
    assert not (tmp_path / "work/results.jsonl").exists()
    with pytest.raises(InputError, match="got 'coco/segm_mAP'"):
        runner("coco/segm_mAP").val()


def test_a_race_needs_counts_of_pictures(runner):
    race = {"val_cfg.race": dict(type="halving", rungs=[0.5])}
    with pytest.raises(InputError, match=r"val_cfg\.race compares PQ, .* of CocoFitness"):
        runner(**race).val()


def test_the_truth_of_other_pictures_is_refused(runner, boxes_root):
    dataset = build_evaluator(runner()).dataloader.dataset
    metric = partial(CocoMetric, metric="bbox")
    check_pictures(
        [metric(ann_file=str(boxes_root / "annotations/instances_nas_val.json"))], dataset
    )
    with pytest.raises(InputError, match="has 4 pictures, val_dataloader 4, of which 0 are the sa"):
        check_pictures(
            [metric(ann_file=str(boxes_root / "annotations/instances_val.json"))], dataset
        )


def test_two_metrics_of_one_name_are_refused():
    class Fake:
        prefix, results = None, ()
        metric_names = ("a",)

        def __init__(self) -> None:
            self.results = []

        def compute_metrics(self, results) -> dict:
            return dict(a=1.0)

    both = type("Evaluator", (), dict(metrics=[Fake(), Fake()]))
    with pytest.raises(InputError, match="two metrics compute a: give one a prefix"):
        evaluate(both, 1)
