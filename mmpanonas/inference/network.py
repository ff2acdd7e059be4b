"""A network ready to predict, and the checks that a checkpoint is this network's."""

import os
from os.path import isfile

import torch
from mmdet.datasets import CocoPanopticDataset
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader

from mmpanonas.checkpoints.files import check_checkpoint, check_one_path
from mmpanonas.checkpoints.weights import check_weights, weights_of, which_weights
from mmpanonas.config import annotation_paths, built, class_slots, leaves
from mmpanonas.errors import InputError


def read_checkpoint(path: str | os.PathLike) -> dict:
    """The content of a checkpoint. Raises ``InputError`` unless it is a whole one."""
    check_checkpoint(path)
    content = CheckpointLoader.load_checkpoint(str(path), "cpu", logger="silent")
    if not isinstance(content, dict):
        weights_of(content, path)
    return content


def build_network(config: dict, checkpoint: dict, name: object = "") -> torch.nn.Module:
    """The network of a model config with all its weights from a checkpoint's content.

    Raises:
        InputError: the checkpoint is of another network, or the network predicts no panoptic
            map or is a supernet; ``name`` is the checkpoint's in the message.
    """
    model = MODELS.build(config)
    if not hasattr(model, "panoptic_fusion_head"):
        raise InputError(
            f"the config builds a {type(model).__name__}, which predicts no panoptic map: give "
            f"one like configs/auto_panoptic/*/retrain.py"
        )
    state = weights_of(checkpoint, name)
    if line := which_weights(checkpoint, name):
        print_log(line, logger="current")
    check_weights(model, state, name)
    check_one_path(model)
    model.load_state_dict(state, strict=False)  # old files count no batches
    return model


def test_meta(cfg: Config) -> dict:
    """The metainfo of the config's test data set; COCO's is known without its files."""
    dataset = next(leaves(cfg.test_dataloader))
    coco = CocoPanopticDataset.METAINFO
    counts = {len(coco["thing_classes"]), len(coco["stuff_classes"])}
    if not isfile(annotation_paths(dataset)[0]) and counts == {
        part[key] for part, key, _ in class_slots(cfg.model)
    }:
        return dict(coco)
    return dict(built(dataset).metainfo)
