"""Where a test writes: made ready before the first picture, accounted for after the last."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.evaluator import Evaluator
from mmengine.hooks import LoggerHook
from mmengine.registry import METRICS
from mmengine.runner import Runner

from mmpanonas.config import annotation_paths, check_writable, is_annotated, is_kind, leaves
from mmpanonas.errors import InputError
from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.file_names import check_apart, dataset_files, dataset_names
from mmpanonas.visualization import PanopticPanelHook


def settle_results(cfg: Config, prefix: str | None = None) -> None:
    """Tell the first PQ metric of a test's config what it writes.

    Args:
        prefix: of the results files; None leaves it to the config.

    Raises:
        InputError: the test would neither score nor write.
    """
    evaluator = cfg.get("test_evaluator") or ()
    metrics = evaluator.get("metrics", evaluator) if isinstance(evaluator, Mapping) else evaluator
    metrics = [metrics] if isinstance(metrics, Mapping) else metrics
    scope = cfg.get("default_scope")
    ours = [m for m in metrics if is_kind(m, PanopticQualityMetric, METRICS, scope)]
    if prefix and ours:
        ours[0]["outfile_prefix"] = prefix
    silent = [m for m in ours if not m.get("outfile_prefix")]
    if silent and not is_annotated(cfg, "test_dataloader"):
        raise InputError(_nothing_to_score(cfg))


def prepare_outputs(runner: Runner, prefix: str | None = None) -> None:
    """Say to the metrics and the panels of a test what they write, and try those places.

    Scores are stored in the log's folder as soon as they are known, by the main process alone:
    with MMEngine's hook all ranks write that one file at once. A data set without any annotation
    gets its results file and no score.

    Args:
        prefix: of the results files; None leaves it to the config.

    Raises:
        InputError: a place that cannot be written or lies over the inputs; a prefix, but no metric
            that writes; nothing to score and nothing to write.
    """
    evaluator, dataset = runner.test_loop.evaluator, runner.test_loop.dataloader.dataset
    ours = quality_metrics(evaluator)
    if prefix is not None:
        if not ours:
            found = [type(metric).__name__ for metric in evaluator.metrics]
            raise InputError(
                f"--out is written by PanopticQualityMetric, but test_evaluator has {found}: add "
                f"dict(type='PanopticQualityMetric')"
            )
        ours[0].outfile_prefix = prefix
        ours[0].ann_file = _ann_file(runner.cfg)
    evaluator.metrics.sort(key=lambda metric: metric not in ours)  # our scores come first
    if not is_main_process():
        runner.hooks[:] = [hook for hook in runner.hooks if not isinstance(hook, LoggerHook)]
    files = dataset_files(dataset)
    scored = not ours or is_annotated(runner.cfg, "test_dataloader")
    for metric in ours:
        metric.scores_file = Path(runner.log_dir) / f"{runner.timestamp}.json"
        if not scored and not metric.format_only:
            _only_write(metric, runner)
    inputs = [path for pair in files for path in pair if path]
    for metric in evaluator.metrics:
        for key in ("outfile_prefix", "out_file_path"):
            if getattr(metric, key, None):
                _check_prefix(getattr(metric, key), key == "outfile_prefix")
    for metric in ours:
        if metric.outfile_prefix:
            metric.file_names = dataset_names(dataset, of_maps=True)
            folder = f"{metric.outfile_prefix}.panoptic"
            check_writable(folder, "folder of results", "--out")
            check_apart(folder, metric.file_names.values(), inputs, "--out")
    for hook in panel_hooks(runner):
        folder = Path(runner.work_dir) / hook.folder
        check_writable(folder, "folder of pictures", "--show-dir")
        check_apart(folder, dataset_names(dataset, of_maps=False).values(), inputs, "--show-dir")


def check_outputs(runner: Runner) -> None:
    """Raise ``InputError`` if something of a test that is over could not be written."""
    metrics = quality_metrics(runner.test_loop.evaluator)
    problems = [problem for metric in metrics for problem in metric.problems]
    problems += [problem for hook in panel_hooks(runner) for problem in hook.problems]
    if problems:
        safe = "; the scores are safe, above and in the log" if metrics else ""
        raise InputError(f"not written: {listed(problems)}{safe}: make room and test again")


def quality_metrics(evaluator: Evaluator) -> list[PanopticQualityMetric]:
    """Those of an evaluator's metrics that are PQ."""
    return [metric for metric in evaluator.metrics if isinstance(metric, PanopticQualityMetric)]


def panel_hooks(runner: Runner) -> list[PanopticPanelHook]:
    """Those of a runner's hooks that draw pictures."""
    return [h for h in runner.hooks if isinstance(h, PanopticPanelHook) and h.num_pictures]


def listed(problems: Sequence[str], shown: int = 5) -> str:
    """The first problems, and how many more there are."""
    more = f"; and {len(problems) - shown} more" if len(problems) > shown else ""
    return "; ".join(problems[:shown]) + more


def _only_write(metric: PanopticQualityMetric, runner: Runner) -> None:
    if not metric.outfile_prefix:
        raise InputError(_nothing_to_score(runner.cfg))
    metric.format_only = True
    runner.logger.info("the test set has no annotations: results are written, not scored")


def _nothing_to_score(cfg: Config) -> str:
    return (
        f"{_ann_file(cfg)} has no annotations, so there is nothing to score: give --out "
        f"PREFIX to write the results"
    )


def _ann_file(cfg: Config) -> str:
    return annotation_paths(next(leaves(cfg.test_dataloader)))[0]


def _check_prefix(path: str, is_prefix: bool) -> None:
    if str(path).endswith(("/", "\\")) or not Path(path).name:
        raise InputError(
            f"expected the beginning of the files' names, such as results/coco, got {str(path)!r}"
        )
    files = [f"{path}.panoptic.json", f"{path}.pq.json"] if is_prefix else [path]
    check_writable(Path(path).parent, "folder of results", "--out")
    for file in files:
        if Path(file).is_dir():
            raise InputError(f"cannot write {file}: it is a folder; choose another name")
