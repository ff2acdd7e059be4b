"""Networks whose properties are built in, not hoped for from some steps of training."""

from collections.abc import Iterator
from pathlib import Path

import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmpanonas.recalibration import RecalibrationBatches
from mmpanonas.recalibration.recalibration import recalibrated
from mmpanonas.space import Arch

#: Scale of what tells a block's choices apart, beside what they have in common.
DIFFERENCE = 0.1

#: What ridge regression adds, as a share of the largest eigenvalue.
RIDGE = 1e-5


def save_telling(config: Config, path: Path) -> Path:
    """Save a supernet that tells stuff apart on nas_val, and scores every candidate unlike.

    All weights are random, but: the choices of a block pass on the same and add a little of their
    own; and the semantic head's last layer is fitted by least squares to the labels of nas_val,
    over one path for each choice, each with its own statistics. So every path predicts most pixels
    of stuff right, which gives a score, and each errs in pixels of its own.
    """
    init_default_scope("mmdet")
    runner = Runner.from_cfg(config)
    model = runner.model.eval()
    model.init_weights()
    _make_choices_alike(model.backbone)
    nas_val = dict(config.train_dataloader.dataset, ann_file=config.val_dataloader.dataset.ann_file)
    collate = Runner.build_dataloader(config.val_dataloader).collate_fn
    loader = DataLoader(DATASETS.build(nas_val), 2, collate_fn=collate)
    batches = RecalibrationBatches(**config.val_cfg.recalibration)
    _fit(model.semantic_head.conv_logits, _rows(model, batches, loader))
    runner.build_train_loop(config.train_cfg)  # the checkpoint names the classes of its data set
    runner.save_checkpoint(
        str(path.parent), path.name, save_optimizer=False, save_param_scheduler=False
    )
    return path


def _make_choices_alike(backbone: nn.Module) -> None:
    """Projections copy pixels and share their 1x1 convolution; the rest is scaled down."""
    for choices in (layer for stage in backbone.stages for layer in stage):
        first = next(iter(choices.values()))
        for block in choices.values():
            block.main[-1].norm.weight.data.fill_(DIFFERENCE)
            if block.stride == 2:
                kernel = block.proj[0].conv.weight.data.zero_()
                kernel[..., kernel.shape[-2] // 2, kernel.shape[-1] // 2] = 1
                block.proj[1].conv.weight.data.copy_(first.proj[1].conv.weight)


@torch.no_grad()
def _rows(
    model: nn.Module, batches: RecalibrationBatches, loader: DataLoader
) -> Iterator[tuple[Tensor, Tensor]]:
    """Features (N, C) of the semantic head, and targets (N, classes) of 0 and 1."""
    layers = model.search_space.parts["backbone"].layers
    for choice in model.search_space.parts["backbone"].choices:
        model.set_arch(Arch(backbone=(choice,) * layers))
        with recalibrated(model, batches):
            yield from _rows_of_path(model, loader)


def _rows_of_path(model: nn.Module, loader: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:
    head = model.semantic_head
    for batch in loader:
        data = model.data_preprocessor(batch, training=True)  # which pads the labels too
        maps = torch.cat(head.features(model.extract_feat(data["inputs"])), dim=1)
        labels = torch.cat([s.gt_sem_seg.sem_seg for s in data["data_samples"]])
        step = labels.shape[-1] // maps.shape[-1]
        labels = head.merge_things(labels)[..., step // 2 :: step, step // 2 :: step]
        known = labels < head.num_classes  # not void
        yield (
            maps.movedim(1, -1)[known],
            nn.functional.one_hot(labels[known], head.num_classes),
        )


@torch.no_grad()
def tell_stuff(model: nn.Module, loader: DataLoader) -> None:
    """Fit the last layer of a fixed network's semantic head to the labels of ``loader``."""
    _fit(model.eval().semantic_head.conv_logits, _rows_of_path(model, loader))


def _fit(layer: nn.Conv2d, rows: Iterator[tuple[Tensor, Tensor]]) -> None:
    """Least squares from features (N, C) to targets (N, classes)."""
    features, targets = (torch.cat(each).double() for each in zip(*rows, strict=True))
    mean, level = features.mean(0), targets.mean(0)
    centred = features - mean
    gram = centred.T @ centred
    gram += RIDGE * torch.linalg.matrix_norm(gram, 2) * torch.eye(len(gram))
    weight = torch.linalg.solve(gram, centred.T @ (targets - level)).T
    layer.weight.data.copy_(weight[..., None, None])
    layer.bias.data.copy_(level - weight @ mean)
