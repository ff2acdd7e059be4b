"""Cost counted on a built network: on the meta device shapes flow, nothing is computed."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import torch
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config
from torch import nn

from mmpanonas.models.layers.attention import thing_levels
from mmpanonas.models.layers.head_ops import DeformableConv
from mmpanonas.space import Arch, NetworkShape

CONFIGS = Path(__file__).parents[1] / "configs" / "auto_panoptic"
COUNTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, DeformableConv)


def build(path: str, arch: Arch | None, **options) -> tuple[nn.Module, NetworkShape]:
    """The network of a config, without weights, and its widths; ``options`` change its model."""
    register_all_modules()
    cfg = Config.fromfile(CONFIGS / path, import_custom_modules=False)
    cfg.merge_from_dict({f"model.{key}": value for key, value in options.items()})
    cfg.model.arch = arch
    with torch.device("meta"):
        return MODELS.build(cfg.model).eval(), NetworkShape.of_model(cfg.model)


def modules_of(model: nn.Module) -> dict[str, nn.Module]:
    """The modules that have a cost, by their names in ``network_cost``."""
    attention = ("things_to_stuff", "stuff_to_things")
    return {name: getattr(model, name) for name in attention if getattr(model, name)} | {
        "backbone": model.backbone,
        "neck": model.neck,
        "rpn_head": model.rpn_head,
        "bbox_head": model.roi_head.bbox_head,
        "mask_head": model.roi_head.mask_head,
        "semantic_head": model.semantic_head,
    }


def macs_of(module: nn.Module, inputs: torch.Tensor, output: torch.Tensor) -> int:
    """Weight uses: each output place of a convolution (input place, if transposed) uses all."""
    if isinstance(module, nn.ConvTranspose2d):
        return module.weight.numel() * inputs.numel() // module.in_channels
    width = module.out_features if isinstance(module, nn.Linear) else module.out_channels
    return module.weight.numel() * output.numel() // width


@contextmanager
def deformable_shapes() -> Iterator[None]:
    """Sampling has no form for the meta device: inside, its output has the input's places."""
    with patch(
        "mmpanonas.models.layers.head_ops.deform_by_sampling",
        lambda x, offset, mask, weight, bias: x.new_empty(len(x), len(weight), *x.shape[2:]),
    ):
        yield


def counted_macs(model: nn.Module, shape: NetworkShape, size: tuple[int, int]) -> dict[str, int]:
    """Run every module on inputs of the right shapes and add up what its layers did."""
    macs, hooks = Counter(), []
    for name, part in modules_of(model).items():
        for layer in part.modules():
            if isinstance(layer, COUNTED):
                hooks.append(
                    layer.register_forward_hook(
                        lambda m, x, y, name=name: macs.update({name: macs_of(m, x[0], y)})
                    )
                )
    with torch.no_grad():
        features = model.features(torch.zeros(1, 3, *size, device="meta"))
        model.rpn_head(thing_levels(features))
        model.semantic_head(features)
        for kind, rois in (("bbox", shape.box_rois), ("mask", shape.mask_rois)):
            extractor = getattr(model.roi_head, f"{kind}_roi_extractor")
            places = extractor.roi_layers[0].output_size
            regions = torch.zeros(rois, shape.neck_channels, *places, device="meta")
            getattr(model.roi_head, f"{kind}_head")(regions)
    for hook in hooks:
        hook.remove()
    return dict(macs)


def counted_params(module: nn.Module) -> int:
    """Learnable parameters."""
    return sum(parameter.numel() for parameter in module.parameters())
