"""A network ready to predict, and the checks that a checkpoint is this network's."""

import os
import pickle

import torch
from mmdet.registry import MODELS

from mmpanonas.engine.checkpoints import check_checkpoint, check_kind
from mmpanonas.errors import InputError


def read_checkpoint(path: str | os.PathLike) -> dict:
    """The content of a checkpoint. Raises ``InputError`` unless it is a whole one."""
    check_checkpoint(path)
    try:  # as MMEngine does; its checkpoints hold more than tensors
        content = torch.load(path, map_location="cpu", weights_only=False)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"checkpoint {path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"checkpoint {path} holds a {type(content).__name__}, not a state dict")
    return content


def trained_meta(checkpoint: dict) -> dict | None:
    """The metainfo of the data set that the checkpoint was trained with, if it names things."""
    meta = (checkpoint.get("meta") or {}).get("dataset_meta") or {}
    return dict(meta) if {"classes", "thing_classes"} <= set(meta) else None


def build_network(config: dict, checkpoint: dict, name: object = "") -> torch.nn.Module:
    """The network of a model config with all its weights from a checkpoint's content.

    Raises:
        InputError: the checkpoint is of another network, or the network predicts no panoptic
            map or is a supernet; ``name`` is the checkpoint's in the message.
    """
    model = MODELS.build(config)
    state = checkpoint.get("state_dict", checkpoint)
    state = {key.removeprefix("module."): value for key, value in state.items()}
    check_kind(model, state, name)
    _check_network(model)
    _check_weights(model, state, name)
    model.load_state_dict(state, strict=False)
    return model


def _check_network(model: torch.nn.Module) -> None:
    if not hasattr(model, "panoptic_fusion_head"):
        raise InputError(
            f"the config builds a {type(model).__name__}, which predicts no panoptic map: give "
            f"one like configs/auto_panoptic/*/retrain.py"
        )
    space = getattr(model, "search_space", None)
    if space is not None and space.size > 1:
        raise InputError(
            "the config builds a supernet, which is no network of its own: search it, retrain "
            "the architecture, and give that config and checkpoint"
        )


def _check_weights(model: torch.nn.Module, state: dict, name: object) -> None:
    wanted = model.state_dict()
    missing = [key for key in wanted if key not in state]
    unlike = [key for key in wanted if key in state and state[key].shape != wanted[key].shape]
    problems = []
    if missing:
        problems.append(f"it lacks {len(missing)} of {len(wanted)} weights ({missing[0]}, ...)")
    if unlike:
        shapes = (tuple(weights[unlike[0]].shape) for weights in (state, wanted))
        problems.append(
            "{} are of another shape ({}: {} in the file, {} in the network)".format(
                len(unlike), unlike[0], *shapes
            )
        )
    if problems:
        raise InputError(
            f"the checkpoint {name} does not fit the config: {' and '.join(problems)}; give the "
            f"config, and the architecture, that it was trained with"
        )
