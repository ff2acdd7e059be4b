"""Time the first and the later candidates of an evolution, with what is kept and without.

    python benchmarks/candidates.py [--generations 5] [--population 20]
    python benchmarks/candidates.py --config configs/auto_panoptic/coco/supernet.py --coco-sample \\
        --generations 3 --population 5 --recalibration-only

Two ``CandidateEvaluator`` share a model and evaluate each candidate in turn: one keeps
decoded pictures and activations of earlier paths (``picture_memory``, ``activation_memory``),
the other nothing. It stops unless the recalibrated statistics and all metrics are equal to the
last bit, or if a picture is decoded a second time by the one that keeps them. Then, without
``--recalibration-only``, a hundred candidates more by the one that keeps nothing: resident
memory and the number of live tensors after the 10th and the 100th; it stops if there are more
of the latter.
"""

import argparse
import gc
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch
from candidate import build
from common import (
    Reader,
    Stopwatch,
    clock,
    config_on_coco_sample,
    config_on_shapes,
    machine,
    use_cpu_time,
)
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner

from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.recalibration import RecalibrationBatches, recalibrated
from mmpanonas.search import CandidateEvaluator, EvaluationSettings
from mmpanonas.search import evaluator as candidate
from mmpanonas.space import Arch
from mmpanonas.strategies import Evolution


class Side:
    """An evaluator, its last statistics, and its seconds by candidate and part."""

    def __init__(self, model, batches, dataloader, settings: EvaluationSettings) -> None:
        evaluator = Evaluator([PanopticQualityMetric(table=False)])
        evaluator.dataset_meta = dataloader.dataset.metainfo
        self.evaluate = CandidateEvaluator(model, batches, dataloader, evaluator, settings)
        self.kept = self.evaluate.dataloader
        self.seconds: list[dict[str, float]] = []

    def __call__(self, arch: Arch) -> dict[str, float]:
        """Evaluate; metrics."""
        watch = Stopwatch()
        self.evaluate.dataloader = ReadingPictures(self.kept, watch)
        candidate.recalibrated = self._timed(watch)
        start = clock()
        metrics = self.evaluate(arch)
        watch.seconds["candidate"] = clock() - start
        self.seconds.append(watch.seconds)
        return metrics

    def recalibrate(self, arch: Arch) -> dict[str, float]:
        """Recalibrate alone; a low mean of the path's codes stands for a good score."""
        model, watch = self.evaluate.model, Stopwatch()
        model.set_arch(arch)
        with self._timed(watch)(model, self.evaluate.batches, beginnings=self.evaluate.beginnings):
            self.seconds.append(watch.seconds)
        return {"coco_panoptic/PQ": -float(model.search_space.encode(arch).mean())}

    def _timed(self, watch: Stopwatch):
        @contextmanager
        def timed(*args, **kwargs) -> Iterator[None]:
            context = recalibrated(*args, **kwargs)
            self.statistics = watch.timed("recalibration", context.__enter__)()
            yield
            watch.timed("recalibration", context.__exit__)(None, None, None)

        return timed


class ReadingPictures(Reader):
    """The pictures an evaluator keeps, their reading timed."""

    def stop_reading(self) -> None:
        self.dataloader.stop_reading()


def check(kept: Side, fresh: Side, metrics: dict, expected: dict) -> None:
    """Stop unless both sides answer the same."""
    ours, theirs = kept.statistics, fresh.statistics
    same = ours.keys() == theirs.keys() and all(
        torch.equal(a, b) for name in ours for a, b in zip(ours[name], theirs[name], strict=True)
    )
    if not same or metrics != expected:
        raise SystemExit(f"what is kept has changed the answer: {metrics}, {expected}")


def evolve(args, space, kept: Side, fresh: Side, dataset) -> None:
    """Evaluate an evolution's candidates on both sides."""
    size = args.population
    strategy = Evolution(
        space,
        generations=args.generations,
        population=size,
        parents=max(1, size // 5),
        mutants=2 * size // 5,
        crosses=2 * size // 5,
    )
    read, original = [], type(dataset).__getitem__
    type(dataset).__getitem__ = lambda self, i: read.append(i) or original(self, i)
    while not strategy.done:
        for arch in strategy.propose(1):
            read.clear()
            run = Side.recalibrate if args.recalibration_only else Side.__call__
            metrics = run(kept, arch)
            if read and len(kept.seconds) > 1:
                raise SystemExit("a picture was decoded again")
            check(kept, fresh, metrics, run(fresh, arch))
            strategy.tell(arch, metrics["coco_panoptic/PQ"])
    type(dataset).__getitem__ = original


def mean(seconds: list[dict[str, float]], part: str) -> float:
    return sum(entry[part] for entry in seconds) / len(seconds)


def report(args, kept: Side, fresh: Side) -> None:
    """Print seconds per candidate: the first, and the mean of each generation."""
    size = args.population
    print(f"{'seconds':16} {'':14}      kept     fresh  ratio")
    groups = {"first": (0, 1), "generation 1": (1, size)} | {
        f"generation {i + 1}": (i * size, (i + 1) * size) for i in range(1, args.generations)
    }
    groups["second to last"] = (1, None)
    for name, (begin, end) in groups.items():
        for part in kept.seconds[0]:
            a, b = (mean(side.seconds[begin:end], part) for side in (kept, fresh))
            print(f"{part:16} {name:14} {a:9.4f} {b:9.4f} {b / max(a, 1e-9):6.2f}")
    if not args.recalibration_only:
        later, first = mean(kept.seconds[1:], "candidate"), kept.seconds[0]["candidate"]
        print(f"second to last candidate / first: {later / first:.2f}")


def watch_growth(space, side: Side, count: int = 100) -> None:
    """Evaluate more candidates; stop if live tensors have become more after the 10th."""
    seen = {}
    for number in range(1, count + 1):
        side(space.fair_path(1, number))
        if number in (10, count // 2, count):
            gc.collect()
            live = sum(issubclass(type(x), torch.Tensor) for x in gc.get_objects())
            seen[number] = live, psutil.Process().memory_info().rss / 2**20
            print(f"after {number} more: {live} live tensors, {seen[number][1]:.0f} MiB resident")
    if seen[count][0] > seen[10][0]:
        raise SystemExit("live tensors have become more")


def compare(args: argparse.Namespace, cfg: Config) -> None:
    """Build what both sides share, run them and print."""
    dataloader = Runner.build_dataloader(
        dict(cfg.val_dataloader, sampler=dict(type="OrderedSampler"))
    )
    hook = cfg.default_hooks.recalibration
    batches = RecalibrationBatches(hook.dataset, args.recalibration, args.batch_size)
    for i in range(len(batches)):
        batches[i]
    model = build(args, cfg, batches, dataloader.dataset)
    settings = EvaluationSettings(activation_memory=args.activation_memory)
    kept = Side(model, batches, dataloader, settings)
    fresh = Side(model, batches, dataloader, EvaluationSettings(0, 0))
    print(machine(args.device))
    print(f"{args.config}: {args.generations} generations of {args.population}, {args.clock};")
    print(f"{args.recalibration} pictures of recalibration, {len(dataloader.dataset)} of nas_val;")
    print(
        f"kept: activations up to {settings.activation_memory} MiB, "
        f"pictures up to {settings.picture_memory} MiB"
    )
    evolve(args, model.search_space, kept, fresh, dataloader.dataset)
    report(args, kept, fresh)
    if not args.recalibration_only:
        kept.evaluate.beginnings.clear()
        watch_growth(model.search_space, fresh)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/auto_panoptic/shapes/supernet.py")
    parser.add_argument("--coco-sample", action="store_true", help="with a COCO config")
    parser.add_argument("--checkpoint", help="of the trained supernet")
    parser.add_argument("--generations", type=int, default=5)
    parser.add_argument("--population", type=int, default=20)
    parser.add_argument("--recalibration", type=int, default=64, help="pictures (2 of the sample)")
    parser.add_argument("--pictures", type=int, default=16, help="of nas_val, shapes only")
    parser.add_argument("--recalibration-only", action="store_true", help="no nas_val, no growth")
    parser.add_argument("--activation-memory", type=int, default=1024, help="MiB")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cpu-time", action="store_true", help="for a machine that others use")
    args = parser.parse_args()
    args.detections, args.batch_size = 10, 2 if args.coco_sample else 16
    args.recalibration = 2 if args.coco_sample else args.recalibration
    args.clock = use_cpu_time(args.cpu_time)
    with tempfile.TemporaryDirectory() as name:
        if args.coco_sample:
            cfg = config_on_coco_sample(args.config)
        else:
            folder = Path(name) / "shapes"
            cfg = config_on_shapes(args.config, folder, args.recalibration, args.pictures)
        compare(args, cfg)


if __name__ == "__main__":
    main()
