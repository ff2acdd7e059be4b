"""The evaluator of a search: the fitness of one path of the supernet."""

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings
from torch import nn
from torch.utils.data import DataLoader

from mmpanonas.checkpoints.reading import trust_checkpoints
from mmpanonas.errors import InputError
from mmpanonas.execution import WorkerBrokenError
from mmpanonas.recalibration.moments import Statistics
from mmpanonas.recalibration.recalibration import RecalibrationBatches, recalibrated
from mmpanonas.records import Part, Picture
from mmpanonas.search.agreement import check_files
from mmpanonas.search.fitness import build_metrics, check_pictures, evaluate, negated
from mmpanonas.search.pictures import KeptPictures, in_order
from mmpanonas.search.racing import as_picture, as_result
from mmpanonas.space import Arch, set_arch
from mmpanonas.values import Count, check_fields

PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class EvaluationSettings:
    """Keys of ``val_cfg`` that trade memory or precision for time.

    Args:
        picture_memory: MiB of decoded pictures of nas_val to keep, so that they are read once;
            1 GiB holds 300 of COCO's at 800 x 1333. It changes no answer.
        precision: of the forward passes, one of ``PRECISIONS``. The lower ones run under
            autocast, which changes scores a little, and takes a fraction of the time where the
            device has instructions for them.

    Raises:
        InputError: a key has no such value.
    """

    picture_memory: Count = 1024
    precision: str = "float32"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise InputError(
                f"val_cfg.precision: expected one of {PRECISIONS}, got {self.precision!r}"
            )
        check_fields(self)


class CandidateEvaluator:
    """Score an architecture: set path, recalibrate, predict, measure.

    An evaluation that failed leaves no trace in the next one.

    Args:
        model: with searchable parts; holds the supernet's weights. Stays in evaluation mode.
        batches: of recalibration.
        dataloader: over all of nas_val.
        evaluator: MMEngine's, whose metrics are computed on this rank's results.
        settings: of memory and precision.
        smaller: a metric that is also given with its sign turned, as :func:`negated` calls it.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: RecalibrationBatches,
        dataloader: DataLoader,
        evaluator: Evaluator,
        settings: EvaluationSettings = EvaluationSettings(),
        smaller: str | None = None,
    ) -> None:
        self.smaller = smaller
        self.precision = getattr(torch, settings.precision)
        self.model, self.batches, self.evaluator = model.eval(), batches, evaluator
        self.dataloader = KeptPictures(dataloader, settings.picture_memory)
        self._whole = True

    @torch.no_grad()
    def __call__(self, arch: Arch) -> dict[str, float]:
        """Metrics of ``arch`` by name, unrounded.

        Raises:
            WorkerBrokenError: the GPU does not answer any more.
        """
        self._begin(arch)
        self._predict(self.dataloader)
        metrics = evaluate(self.evaluator, len(self.dataloader.dataset))
        if self.smaller in metrics:
            metrics[negated(self.smaller)] = -metrics[self.smaller]
        self._whole = True
        return metrics

    def _begin(self, arch: Arch) -> None:
        """Take the path, in a state that no failed evaluation has left."""
        if not self._whole:
            self._clean()
        self._whole = False
        set_arch(self.model, arch)

    def _predict(self, batches: Iterable[dict], statistics: Statistics | None = None) -> Statistics:
        """Give the evaluator's metrics the path's predictions of ``batches``.

        Args:
            statistics: the path's, where they are known.

        Returns:
            them.
        """
        device = next(self.model.parameters()).device.type
        lower = torch.autocast(device, self.precision, enabled=self.precision != torch.float32)
        with lower, recalibrated(self.model, self.batches, known=statistics) as statistics:
            for batch in batches:
                samples = self.model.val_step(batch)
                self.evaluator.process(data_samples=samples, data_batch=batch)
        return statistics

    def _clean(self) -> None:
        """Drop what a failed evaluation left: results, reading processes, memory of the GPU."""
        for metric in self.evaluator.metrics:
            metric.results.clear()
        self.dataloader.stop_reading()
        if torch.cuda.is_available():
            try:
                torch.cuda.synchronize()
                torch.cuda.empty_cache()
            except RuntimeError as error:
                raise WorkerBrokenError(f"the GPU does not answer any more: {error}") from error


class RacingEvaluator(CandidateEvaluator):
    """Score an architecture by some of the pictures at a time.

    The statistics of the last paths are kept, so that a path that goes on is not recalibrated
    again.
    """

    #: Of so many paths.
    KEPT = 256

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._statistics: dict[Arch, Statistics] = {}

    @torch.no_grad()
    def part(self, arch: Arch, part: Part) -> tuple[dict[str, float], list[Picture]]:
        """Metrics of all pictures so far, and what the path made of those of ``part``.

        Raises:
            WorkerBrokenError: the GPU does not answer any more.
        """
        self._begin(arch)
        (metric,) = self.evaluator.metrics
        metric.results.extend(map(as_result, part.held))
        pictures = self.dataloader.part(part.start, part.stop)
        self._statistics[arch] = self._predict(pictures, self._statistics.pop(arch, None))
        if len(self._statistics) > self.KEPT:
            del self._statistics[next(iter(self._statistics))]
        seen = [as_picture(result) for result in metric.results]
        # What is held and what is new take the same way, whoever saw it.
        metric.results[:] = map(as_result, seen)
        metrics = evaluate(self.evaluator, len(seen))
        self._whole = True
        return metrics, seen[len(part.held) :]


def build_evaluator(runner: Runner) -> CandidateEvaluator:
    """The evaluator of a search's config on the model of ``runner``."""
    cfg = runner.cfg
    dataloader = in_order(runner, cfg.val_dataloader, cfg.val_cfg)
    evaluator = build_metrics(runner, cfg.val_evaluator)
    evaluator.dataset_meta = dataloader.dataset.metainfo
    check_pictures(evaluator.metrics, dataloader.dataset)
    names = {each.name for each in fields(EvaluationSettings)}
    kind = RacingEvaluator if cfg.val_cfg.get("race") else CandidateEvaluator
    return kind(
        revert_sync_batchnorm(runner.model),
        RecalibrationBatches(**cfg.val_cfg.recalibration),
        dataloader,
        evaluator,
        EvaluationSettings(**{name: cfg.val_cfg[name] for name in names & cfg.val_cfg.keys()}),
        cfg.val_cfg.metric if cfg.val_cfg.get("sense") == "smaller" else None,
    )


def without_backends(cfg: Config, **keys: str) -> None:
    """Let a run's visualizer write nothing; ``keys`` replace its own. A config may have none."""
    cfg.visualizer = dict(cfg.get("visualizer") or dict(type="Visualizer"), vis_backends=None)
    cfg.visualizer.update(keys)


def evaluator_of_config(
    config: dict, folder: str, files: Mapping[str, str] | None = None
) -> CandidateEvaluator:
    """The evaluator of a search's config, in a process of its own, weights loaded.

    Its log goes into a folder of its own in ``workers`` of the work dir.

    Args:
        folder: where the config's relative paths begin.
        files: digests of what must be the same here as in the process that asks, by path.

    Raises:
        InputError: this machine has no such folder, or another file.
    """
    try:
        os.chdir(folder)
    except OSError as error:
        raise InputError(
            f"{folder}: {error.strerror} on {platform.node()}; every machine needs the project, "
            f"the data and the checkpoint at the same paths"
        ) from None
    check_files(files or {})
    cfg = Config(config)
    if "custom_imports" in cfg:
        import_modules_from_strings(**cfg.custom_imports)
    cfg.launcher = "none"
    cfg.work_dir = str(Path(cfg.work_dir) / "workers" / f"{platform.node()}_{os.getpid()}")
    without_backends(cfg)
    trust_checkpoints(cfg.get("trust_checkpoint", False))
    runner = Runner.from_cfg(cfg)
    runner.load_or_resume()
    built = build_evaluator(runner)
    check_files(files or {})  # also while it was read
    return built
