"""An exported network beside PyTorch's, on pictures of the config's test set."""

from collections.abc import Iterator
from itertools import islice

import cv2
import numpy as np
import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from mmpanonas.config import is_annotated
from mmpanonas.evaluation import PanopticQualityMetric, prediction_ids
from mmpanonas.onnx import Network


def compare_maps(model: nn.Module, network: Network, cfg: Config, count: int) -> str:
    """A line: pixels that are equal, and PQ of both where the test set is annotated.

    Args:
        model: the detector.
        network: the same, exported in the form ``panoptic``.
        cfg: whose test set gives the pictures.
        count: of pictures, from the first on.
    """
    meta = dict(classes=network.facts["classes"])
    meta["thing_classes"] = meta["classes"][: network.facts["things"]]
    scored = [PanopticQualityMetric(table=False) for _ in range(2)]
    shares, void = [], len(meta["classes"])
    for data in islice(_samples(cfg), count):
        sample = model.test_step(pseudo_collate([data]))[0].to_dict()
        ids = network(sample["img_path"]).panoptic_seg
        shares.append((ids == prediction_ids(sample, void)).mean())
        labels = np.where(ids == 0, void, ids - 1)[None]
        other = dict(sample, pred_panoptic_seg=dict(sem_seg=torch.from_numpy(labels)))
        if is_annotated(cfg, "test_dataloader"):
            for metric, each in zip(scored, (other, sample), strict=True):
                metric.dataset_meta = meta
                metric.process(None, [each])
    line = (
        f"{len(shares)} pictures: {100 * np.mean(shares):.4f} % of the pixels as PyTorch has them "
        f"({100 * min(shares):.4f} % of the least alike)"
    )
    if scored[0].results:
        ours, theirs = (metric.compute_metrics(metric.results)["PQ"] for metric in scored)
        line += f", PQ {ours:.3f} and PyTorch's {theirs:.3f}"
    return line


def compare_outputs(module: nn.Module, network: Network, cfg: Config, count: int) -> str:
    """A line: the largest difference of every output from PyTorch's, in shares of its largest.

    Args:
        module: what :func:`mmpanonas.deployment.export.export` returned.
        network, cfg, count: as of :func:`compare_maps`; another form.
    """
    largest = dict.fromkeys(network.outputs, 0.0)
    for data in islice(_samples(cfg), count):
        picture = cv2.imread(data["data_samples"].img_path)
        found = network.run([picture])
        picture = network.resized(picture)
        with torch.no_grad():
            expected = module(torch.from_numpy(picture[None]))
        for (name, ours), theirs in zip(found.items(), expected, strict=True):
            same = ours.shape == tuple(theirs.shape)
            share = _difference(ours, theirs.numpy()) if same else np.inf
            largest[name] = max(largest[name], share)
    said = ", ".join(f"{name} {share:.1e}" for name, share in largest.items())
    return f"{count} pictures: largest differences from PyTorch {said}"


def _samples(cfg: Config) -> Iterator[dict]:
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    return (dataset[place] for place in range(len(dataset)))


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    if not ours.size:
        return 0.0
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-12))
