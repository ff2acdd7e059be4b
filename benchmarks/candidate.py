"""Time one candidate of a search beside the released procedure (docs/deviations.md).

    python benchmarks/candidate.py [--config CONFIG] [--coco-sample] [--checkpoint FILE]

Ours is ``CandidateEvaluator`` as the search calls it: BN recalibration through the backbone,
prediction and fusion, PQ in memory. The released procedure is built from MMDetection's parts:
recalibration through the whole detector with losses (moving average), detections from score
0.05 on for AP, HeuristicFusionHead, PNG files, CocoPanopticMetric from files, CocoMetric for
boxes and masks. Both have the same weights, path and pictures, run in turn in one process, and
recalibration pictures lie decoded in memory on both sides. Fusion follows one rule in both
(MMDetection's: by score, no area limit for things), so that answers can be compared: from
the same statistics the panoptic maps and PQ are checked.

Two comparisons: equal numbers of recalibration pictures, and the paper's, 500 pictures here
against 500 batches of 16 there with 5,000 pictures to evaluate, scaled down.

Without a checkpoint weights are random, and the box head's are scaled and its background is
shifted until about --detections proposals per picture score above 0.5: networks that find
nothing would be compared on an empty job.
"""

import argparse
import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import torch
from candidate_released import ReleasedProcedure, fusion_rules
from common import (
    PARTS,
    Reader,
    Stopwatch,
    clock,
    config_on_coco_sample,
    config_on_shapes,
    machine,
    seed_all,
    use_cpu_time,
)
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner, load_checkpoint
from torch import nn

from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.recalibration import RecalibrationBatches, recalibrated
from mmpanonas.search import CandidateEvaluator
from mmpanonas.space import Arch

#: The paper's: pictures of recalibration here, there, and pictures of nas_val.
PAPER = (500, 500 * 16, 5000)


def run_ours(model: nn.Module, arch: Arch, batches, dataloader) -> tuple[dict, dict, list]:
    """One candidate by the search's own code: seconds, metrics and maps by picture."""
    watch, maps = Stopwatch(), []
    metric = PanopticQualityMetric()
    evaluator = Evaluator([metric])
    evaluator.dataset_meta = dataloader.dataset.metainfo
    evaluate = CandidateEvaluator(model, batches, dataloader, evaluator)
    evaluate.dataloader = Reader(evaluate.dataloader, watch)
    predict = watch.timed("prediction, fusion", model.val_step)

    def val_step(batch):
        samples = predict(batch)
        maps.extend(sample.pred_panoptic_seg.sem_seg.cpu() for sample in samples)
        return samples

    model.val_step = val_step
    evaluator.process = watch.timed("scoring", evaluator.process)
    metric.compute_metrics = watch.timed("scoring", metric.compute_metrics)
    start = clock()
    with contextlib.redirect_stdout(io.StringIO()):
        metrics = evaluate(arch)
    del model.val_step
    watch.seconds["recalibration"] = clock() - start - sum(watch.seconds.values())
    return watch.seconds, metrics, maps


@torch.no_grad()
def make_confident(model: nn.Module, batches, dataset, detections: float) -> None:
    """Spread a random box head's scores: about ``detections`` proposals a picture above 0.5."""
    head = model.roi_head.bbox_head
    batch = model.data_preprocessor(pseudo_collate([dataset[0], dataset[1]]), False)
    samples = batch["data_samples"]
    with recalibrated(model, batches):
        features = model.extract_feat(batch["inputs"])
        found = model.rpn_head.predict(features, samples, rescale=False)
        rois = torch.cat(
            [
                torch.cat([b.bboxes.new_full((len(b), 1), i), b.bboxes], 1)
                for i, b in enumerate(found)
            ]
        )
        # Every class as often the best; 3 keeps scores of 1.0, and so ties, rare.
        logits = model.roi_head._bbox_forward(features, rois)["cls_score"]
        scale = 3 / logits.std(0)
        head.fc_cls.weight *= scale[:, None]
        head.fc_cls.bias.copy_(scale * (head.fc_cls.bias - logits.mean(0)))
        logits = model.roi_head._bbox_forward(features, rois)["cls_score"]
        # A class scores above 0.5 where its logit beats the log-sum of all others.
        best, others = _split_best(logits[:, :-1])
        room = torch.log((best.exp() - others).clamp(min=1e-6)) - logits[:, -1]
        wanted = min(len(room), int(detections * len(found)))
        head.fc_cls.bias[-1] += room.sort(descending=True).values[wanted - 1]


def _split_best(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Per row the largest logit and the sum of the others' exponentials."""
    best, place = logits.max(1)
    return best, logits.exp().scatter(1, place[:, None], 0).sum(1)


def build(args: argparse.Namespace, cfg: Config, batches, dataset) -> nn.Module:
    """The supernet with trained or random weights; the fusion rule is MMDetection's."""
    seed_all(0)
    model = MODELS.build(cfg.model | {"test_cfg": fusion_rules(cfg.model.test_cfg)})
    model.init_weights()
    model.to(args.device).eval()
    model.set_arch(model.search_space.fair_path(0, 0))
    if args.checkpoint:
        load_checkpoint(model, args.checkpoint, map_location="cpu", strict=True)
    else:
        make_confident(model, batches, dataset, args.detections)
    return model


def training_batches(dataset, count: int, size: int) -> list[dict]:
    """``count`` annotated pictures, in batches of ``size``; a small data set starts again."""
    seed_all(0)
    places = [i % len(dataset) for i in range(count)]
    cuts = [places[i : i + size] for i in range(0, count, size)]
    return [pseudo_collate([dataset[i] for i in cut]) for cut in cuts]


def compare(args: argparse.Namespace, cfg: Config, folder: Path) -> None:
    """Run both sides in turn, check their answers and print the table."""
    dataloader = Runner.build_dataloader(cfg.val_dataloader)
    hook = cfg.default_hooks.recalibration
    batches = RecalibrationBatches(hook.dataset, args.recalibration, args.batch_size)
    for i in range(len(batches)):  # a search decodes them once
        batches[i]
    model = build(args, cfg, batches, dataloader.dataset)
    arch = model.active_arch
    released = ReleasedProcedure(model, dataloader, cfg.model.test_cfg, folder)
    training = DATASETS.build(cfg.train_dataloader.dataset)
    few = training_batches(training, args.recalibration, args.batch_size)
    many = training_batches(training, 16 * args.recalibration, args.batch_size)

    best: dict[str, dict[str, float]] = {}
    for _ in range(args.rounds):
        seconds, metrics, maps = run_ours(model, arch, batches, dataloader)
        keep_least(best, "ours", seconds)
        with contextlib.redirect_stdout(io.StringIO()):
            keep_least(best, "equal", released.recalibrate(arch, few))
            keep_least(best, "released", released.recalibrate(arch, many) | released.evaluate()[0])
    with contextlib.redirect_stdout(io.StringIO()), recalibrated(model, batches):
        same = released.evaluate()[1]
    different = check(metrics, same, maps, released.maps)
    pixels = sum(a.numel() for a in maps)
    found = np.mean(released.found, axis=0)
    size = "x".join(map(str, maps[0].shape[1:]))
    print(machine(args.device))
    print(f"{args.config}, {args.checkpoint or 'random weights'}; nas_val: {len(maps)} pictures,")
    print(f"maps of {size}; per picture {found[0]:.1f} detections from 0.05 on, {found[1]:.1f} of")
    print(f"them above 0.5; minimum of {args.rounds} round(s) in turn, {args.clock}")
    print(
        f"from the same statistics: PQ {metrics['coco_panoptic/PQ']:.6f} and "
        f"{same['coco_panoptic/PQ']:.6f}, {different} of {pixels} pixels differ"
    )
    report(args, best, len(maps))


def keep_least(best: dict, name: str, seconds: dict[str, float]) -> None:
    """Keep each part's minimum over the rounds."""
    known = best.setdefault(name, dict(seconds))
    for part, value in seconds.items():
        known[part] = min(known[part], value)


def check(ours: dict, theirs: dict, maps: list, other_maps: list) -> int:
    """Stop unless both sides answer alike; returns the number of pixels that differ."""
    different = sum(int((a != b).sum()) for a, b in zip(maps, other_maps, strict=True))
    pixels = sum(a.numel() for a in maps)
    gap = max(abs(ours[key] - theirs[key]) for key in ours)
    # A mask pixel at its threshold may fall either way in a batch of another size.
    if different > 1e-4 * pixels or gap > 0.01:
        raise SystemExit(f"{different} of {pixels} pixels differ, PQ by up to {gap}")
    return different


def report(args: argparse.Namespace, best: dict[str, dict[str, float]], pictures: int) -> None:
    """Print seconds per part, the totals, and what the paper's numbers would take."""
    n, many = args.recalibration, 16 * args.recalibration
    ours, there = best["ours"], best["released"]
    here, equal, full = (best[side]["recalibration"] for side in ("ours", "equal", "released"))
    mine, other = (sum(side[part] for part in PARTS[1:]) for side in (ours, there))
    batches = f"{many // args.batch_size} batches of {args.batch_size}"
    scale = PAPER[2] / pictures
    paper = PAPER[0] / n * here + scale * mine
    rows = [
        (f"recalibration, {n} pictures each", here, equal),
        (f"recalibration, {n} here, {many} there ({batches})", here, full),
        *((f"{part}, {pictures} pictures", ours[part], there[part]) for part in PARTS[1:]),
        (f"candidate, {n} each", here + mine, equal + other),
        (f"candidate, {n} and {many}", here + mine, full + other),
        ("computed: 500 each, nas_val 5,000", paper, PAPER[0] / n * equal + scale * other),
        ("computed: 500 and 8,000, nas_val 5,000", paper, PAPER[1] / many * full + scale * other),
    ]
    print(f"{'':50}     ours released  ratio")
    for name, a, b in rows:
        print(f"{name:50} {a:8.2f} {b:8.2f} {b / a:6.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/auto_panoptic/shapes/supernet.py")
    parser.add_argument("--coco-sample", action="store_true", help="with a COCO config")
    parser.add_argument("--checkpoint", help="of the trained supernet")
    parser.add_argument(
        "--detections", type=float, default=10, help="a picture, without a checkpoint"
    )
    parser.add_argument(
        "--recalibration", type=int, help="N: pictures here; there also N batches of 16 (8; 2)"
    )
    parser.add_argument("--batch-size", type=int, help="of recalibration (16; 2 for the sample)")
    parser.add_argument("--pictures", type=int, default=80, help="of nas_val, shapes only")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cpu-time", action="store_true", help="for a machine that others use")
    args = parser.parse_args()
    args.recalibration = args.recalibration or (2 if args.coco_sample else 8)
    args.batch_size = args.batch_size or (2 if args.coco_sample else 16)
    if 16 * args.recalibration % args.batch_size:
        parser.error("--batch-size must divide 16 x --recalibration")
    args.clock = use_cpu_time(args.cpu_time)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.coco_sample:
            cfg = config_on_coco_sample(args.config)
        else:
            train = 16 * args.recalibration
            cfg = config_on_shapes(args.config, folder / "shapes", train, args.pictures)
        compare(args, cfg, folder)


if __name__ == "__main__":
    main()
