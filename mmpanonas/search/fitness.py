"""The fitness: one of the evaluator's keys, known before the first candidate is evaluated."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from io import StringIO

import torch
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.logging import MMLogger
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner

from mmpanonas.errors import InputError
from mmpanonas.evaluation.coco import full_name, metric_names
from mmpanonas.search.pictures import in_order

#: Pictures of the trial by which a metric says what it computes.
_TRIED = 2


def negated(name: str) -> str:
    """What a metric is called whose sign is turned, so that the greater is the better."""
    prefix, slash, key = name.rpartition("/")
    return f"{prefix}{slash}-{key}"


def check_metric(name: str, metrics: Sequence[BaseMetric]) -> None:
    """Raise ``InputError`` for a fitness that none of the evaluator's metrics computes.

    Of metrics that do not say what they compute the prefix alone is known.
    """
    silent = [metric for metric in metrics if metric_names(metric) is None]
    known = [each for metric in metrics for each in metric_names(metric) or ()]
    starts = [full_name(metric, "") for metric in silent]
    if name in known or any(str(name).startswith(start) for start in starts):
        return
    raise _unknown(name, [*known, *(f"{start}..." for start in starts)])


def _unknown(name: object, known: Sequence[str]) -> InputError:
    spelt = {each.lower(): each for each in known}
    nearest = get_close_matches(str(name).lower(), spelt, 1)
    hint = f"; the nearest is {spelt[nearest[0]]}" if nearest else ""
    return InputError(f"val_cfg.metric: expected one of {', '.join(known)}, got {name!r}{hint}")


def check_pictures(metrics: Sequence[BaseMetric], dataset: Sequence) -> None:
    """Raise ``InputError`` where a metric has the truth of other pictures than those of nas_val.

    MMDetection's ``CocoMetric`` reads a file of its own, and counts all of it.
    """
    for metric in metrics:
        api = getattr(metric, "_coco_api", None)
        if api is None:
            continue
        own = set(api.getImgIds())
        shown = {dataset.get_data_info(place).get("img_id") for place in range(len(dataset))}
        if own != shown:
            raise InputError(
                f"val_evaluator: the ann_file of {type(metric).__name__} has {len(own)} pictures, "
                f"val_dataloader {len(shown)}, of which {len(own & shown)} are the same: scores "
                f"would be of other pictures than those predicted; give both the same file"
            )


def build_metrics(runner: Runner, config: object) -> Evaluator:
    """The evaluator of a config; what reading its files prints goes nowhere."""
    with redirect_stdout(StringIO()):
        return runner.build_evaluator(config)


@torch.no_grad()
def try_metric(name: str, runner: Runner) -> None:
    """Evaluate some pictures where none of the metrics is known to compute ``name``.

    Raises:
        InputError: none of them does.
    """
    cfg = runner.cfg
    evaluator = build_metrics(runner, cfg.val_evaluator)
    if name in [each for metric in evaluator.metrics for each in metric_names(metric) or ()]:
        return
    few = dict(cfg.val_dataloader, batch_size=_TRIED, num_workers=0, persistent_workers=False)
    dataloader = in_order(runner, few, {})
    evaluator.dataset_meta = dataloader.dataset.metainfo
    batch = next(iter(dataloader))
    samples = revert_sync_batchnorm(runner.model).eval().val_step(batch)
    evaluator.process(data_samples=samples, data_batch=batch)
    with quiet():
        found = evaluate(evaluator, len(samples))
    if found and name not in found:
        raise _unknown(name, list(found))


def evaluate(evaluator: Evaluator, pictures: int) -> dict[str, float]:
    """What the metrics make of their results, by full names; the results are gone then.

    Raises:
        InputError: two metrics compute something of one name.
    """
    values: dict[str, float] = {}
    for metric in evaluator.metrics:
        if hasattr(metric, "metric_names"):
            computed = metric.compute_metrics(metric.results)
            computed = {full_name(metric, key): value for key, value in computed.items()}
            metric.results.clear()
        else:
            with quiet():
                computed = metric.evaluate(pictures)
        twice = sorted(values.keys() & computed.keys())
        if twice:
            raise InputError(f"val_evaluator: two metrics compute {twice[0]}: give one a prefix")
        values.update(computed)
    return values


@contextmanager
def quiet() -> Iterator[None]:
    """Within it what metrics print or tell a log goes nowhere: there are many candidates."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logger.setLevel(level)
