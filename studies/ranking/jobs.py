"""The jobs of a ranking study, each in a process of its own."""

import copy
import os
import shutil
import time
from collections.abc import Callable, Container, Mapping
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import nn

from mmpanonas.checkpoints.files import checkpoint_to_resume, latest_checkpoint
from mmpanonas.config.schedule import follow_max_iters
from mmpanonas.errors import InputError, in_a_line
from mmpanonas.files import parse_json
from mmpanonas.recalibration.recalibration import RecalibrationBatches
from mmpanonas.search.evaluator import CandidateEvaluator, evaluator_of_config, without_backends
from mmpanonas.space import Arch
from mmpanonas.strategies import STRATEGIES
from studies.ranking.baseline import merged
from studies.ranking.replay import best_of, replay
from studies.ranking.study import Study
from studies.strategies.sizes import sizes

METRIC = "coco_panoptic/PQ"


#: What does a kind of job: its study and its file, to what the record says of it.
Job = Callable[[Study, dict], dict]


def read_job(path: str | os.PathLike, kinds: Container[str]) -> dict:
    """A job's file, as the study writes it into ``jobs/``. Raises ``InputError`` for any other."""
    try:
        job = parse_json(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"job {path} cannot be read: {in_a_line(error)}") from None
    if not (isinstance(job, dict) and isinstance(job.get("job"), str) and job.get("kind") in kinds):
        raise InputError(f"{path} is no job of a study: give a file of its folder jobs/")
    return job


def run_job(study: Study, job: dict, kinds: Mapping[str, Job]) -> None:
    """Do ``job`` unless its record is there; a half-done one goes on."""
    if job["job"] in study.found():
        return
    start = time.time()
    result = kinds[job["kind"]](study, job)
    study.records.append(dict(job=job["job"], seconds=time.time() - start, **result))
    if job["kind"] == "network":  # weights of many networks would fill a disk
        shutil.rmtree(_network_folder(study, job))


def train_supernet(study: Study, job: dict) -> dict:
    """Train the supernet with the job's sampling of paths; its checkpoint."""
    cfg = copy.deepcopy(study.supernet)
    cfg.default_hooks.fairness.type = study.plan.samplings[job["sampling"]]
    runner = _train(cfg, study.folder / job["job"])
    return dict(checkpoint=str(latest_checkpoint(runner.work_dir)))


def train_network(study: Study, job: dict) -> dict:
    """Train a network alone and test it; ``fusions``: PQ, things and stuff of each.

    A job ``held_out`` trains on nas_train and tests on nas_val, as the supernet does; one with
    ``iterations`` has a shorter schedule.
    """
    cfg = copy.deepcopy(study.alone)
    if job.get("iterations"):
        follow_max_iters(cfg, job["iterations"])
    if job.get("held_out"):
        cfg.train_dataloader.dataset = study.supernet.train_dataloader.dataset
        cfg.val_dataloader, cfg.val_evaluator = (
            study.supernet[key] for key in ("val_dataloader", "val_evaluator")
        )
    cfg.model = merged(study.supernet.model, job["model"])
    cfg.model.arch = job["arch"]
    cfg.randomness.seed = job["seed"]
    loader, evaluator = cfg.val_dataloader, cfg.val_evaluator
    runner = _train(cfg, _network_folder(study, job))
    return dict(fusions=fusion_metrics(runner, loader, evaluator, study.plan.fusions))


def _network_folder(study: Study, job: dict) -> Path:
    return study.folder / "networks" / job["job"]


def _train(cfg: Config, folder: Path) -> Runner:
    """Train to the end without validation; one that was stopped goes on."""
    cfg.work_dir, cfg.experiment_name = str(folder), folder.name
    latest = checkpoint_to_resume(folder)
    if latest:
        cfg.resume, cfg.load_from = True, str(latest)
    without_backends(cfg, name=folder.name)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


class EveryFusion(nn.Module):
    """Stands in the place of a fusion head: what each of several makes of the same predictions.

    Attributes:
        found: of the last pictures, by the heads' names.
    """

    def __init__(self, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.heads = nn.ModuleDict(heads)
        self.found: dict[str, list] = {}

    def predict(self, *predictions, **options) -> list:
        """The first head's answer."""
        self.found = {name: h.predict(*predictions, **options) for name, h in self.heads.items()}
        return next(iter(self.found.values()))


@torch.no_grad()
def fusion_metrics(
    runner: Runner, dataloader: dict, evaluator: dict, fusions: Mapping[str, dict]
) -> dict[str, dict[str, float]]:
    """PQ, ``PQ_th`` and ``PQ_st`` under each fusion, of the same predictions.

    Args:
        runner: whose model has been trained.
        dataloader, evaluator: configs of the test.
        fusions: keys of ``model.panoptic_fusion_head``, by name.
    """
    model = getattr(runner.model, "module", runner.model)
    config = runner.cfg.model.panoptic_fusion_head
    heads = EveryFusion({n: MODELS.build({**config, **keys}) for n, keys in fusions.items()})
    model.panoptic_fusion_head = heads
    limits = [head.rules.score_thr for head in heads.heads.values() if hasattr(head, "rules")]
    model.roi_head.test_cfg.score_thr = min([model.roi_head.test_cfg.score_thr, *limits])
    model.eval()
    loader = runner.build_dataloader(dataloader)
    evaluators: dict[str, Evaluator] = {n: runner.build_evaluator(evaluator) for n in fusions}
    for each in evaluators.values():
        each.dataset_meta = loader.dataset.metainfo
    for batch in loader:
        samples = model.val_step(batch)
        for name, each in evaluators.items():
            for sample, panoptic in zip(samples, heads.found[name], strict=True):
                sample.pred_panoptic_seg = panoptic
            each.process(data_samples=samples, data_batch=batch)
    return {name: _percent(e.evaluate(len(loader.dataset))) for name, e in evaluators.items()}


def _percent(metrics: Mapping[str, float]) -> dict[str, float]:
    prefix = METRIC.rpartition("/")[0]
    return {key: metrics[f"{prefix}/{key}"] for key in ("PQ", "PQ_th", "PQ_st")}


def score_networks(study: Study, job: dict) -> dict:
    """Score architectures in one supernet under every recalibration."""
    evaluate = evaluator_of(study, job["sampling"])
    for name in study.plan.recalibrations:
        score = scorer(study, evaluate, job["sampling"], name)
        for arch in job["archs"]:
            score(Arch.from_dict(arch))
    return {}


def search(study: Study, job: dict) -> dict:
    """All searches of one strategy in the first supernet, a record each."""
    plan, known = study.plan, study.found()
    sampling, recalibration = next(iter(plan.samplings)), next(iter(plan.recalibrations))
    score = scorer(study, evaluator_of(study, sampling), sampling, recalibration)
    kind, size = STRATEGIES[job["strategy"]], sizes(job["strategy"], plan.evaluations)
    for seed in range(plan.searches):
        name = f"{job['job']}-{seed}"
        if name not in known:
            scores = replay(kind(study.space, seed, **size), score)
            best = best_of(scores)
            found = dict(arch=best.to_dict(), score=scores[best], evaluations=len(scores))
            study.records.append(dict(job=name, strategy=job["strategy"], seed=seed, **found))
    return {}


def evaluator_of(study: Study, sampling: str) -> CandidateEvaluator:
    """The evaluator in the supernet that was trained with ``sampling``."""
    cfg = copy.deepcopy(study.supernet)
    cfg.work_dir = str(study.folder / "scoring")
    cfg.load_from = study.checkpoint(sampling)
    return evaluator_of_config(cfg.to_dict(), os.getcwd())


def scorer(
    study: Study, evaluate: CandidateEvaluator, sampling: str, recalibration: str
) -> Callable[[Arch], float]:
    """A function from an architecture to its supernet score, which is kept on disk."""
    settings = study.supernet.val_cfg.recalibration | study.plan.recalibrations[recalibration]
    evaluate.batches = RecalibrationBatches(**settings)
    scores = study.scores(sampling, recalibration)

    def score(arch: Arch) -> float:
        metrics = scores.get(arch)
        if metrics is None:
            metrics = evaluate(arch)
            scores.put(arch, metrics)
        return metrics[METRIC]

    return score


#: What a job's ``kind`` may say.
JOBS: dict[str, Job] = {
    "supernet": train_supernet,
    "network": train_network,
    "score": score_networks,
    "search": search,
}
