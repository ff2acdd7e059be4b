"""A network of full size does not begin from random weights by oversight."""

from collections.abc import Mapping

from mmdet.models import BaseDetector
from mmengine.config import Config
from mmengine.registry import MODELS

from mmpanonas.config.judge.kinds import is_kind, kind_of
from mmpanonas.errors import ConfigError
from mmpanonas.space import NetworkShape


def check_start(cfg: Config) -> None:
    """Raise ``ConfigError`` where a detector's searchable backbone would begin from random weights.

    That is asked of backbones no narrower than the paper's search network, those of COCO and
    ADE20K, which learn little from scratch in their schedules.
    """
    model, scope = cfg.model, cfg.get("default_scope")
    backbone = model.get("backbone") or {}
    searchable = getattr(kind_of(backbone, MODELS, scope), "part_name", None) == "backbone"
    if not searchable or not is_kind(model, BaseDetector, MODELS, scope):
        return
    full = NetworkShape().channels
    widths = backbone.get("channels", full)
    narrow = any(own < paper for own, paper in zip(widths, full, strict=False))
    begun = cfg.get("load_from") or model.get("init_from_supernet")
    if narrow or begun or _names_weights(model) or _names_weights(backbone):
        return
    raise ConfigError(
        "model.backbone would begin from random weights, at the size of COCO's and ADE20K's "
        "networks: give it model.backbone.init_cfg=dict(type='PretrainedBackbone', "
        "checkpoint=FILE), where FILE was trained by a config of configs/auto_panoptic/imagenet "
        "or converted from the released weights by "
        "tools/model_converters/autopanoptic_to_mmdet.py (docs/pretraining.md); or say "
        "--from-scratch"
    )


def _names_weights(part: Mapping) -> bool:
    """Whether the ``init_cfg`` of a model or of a part of it reads a file."""
    given = part.get("init_cfg") or ()
    entries = [given] if isinstance(given, Mapping) else given
    return any(entry.get("checkpoint") for entry in entries)
