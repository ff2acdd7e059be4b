"""Uses docs/space.md's operation in a copy of the package: python new_operation.py COPY ROOT."""

import sys

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmpanonas.register
from mmpanonas.space import Arch, NetworkShape, network_cost
from mmpanonas.strategies import Evolution
from mmpanonas.visualization import draw_arch


def main(copy: str, root: str) -> None:
    assert mmpanonas.__file__.startswith(copy), mmpanonas.__file__
    init_default_scope("mmdet")
    config = Config.fromfile(f"{root}/configs/_base_/models/auto_panoptic_tiny.py").model
    supernet = MODELS.build(config)
    path = sampled(supernet)
    trained(supernet, path)
    counted(config, path)
    draw_arch(path, "arch.svg", shape=NetworkShape.of_model(config))


def sampled(supernet) -> Arch:
    """Strictly fair windows and searches have it; returns a path with it in both heads."""
    space = supernet.search_space
    assert (space.size, space.window) == (4**10 * 7**3 * 3**9, 84)
    window = space.fair_paths(0, 0)
    having = [path for path in window if path.semantic_head == ("gr_3x3",)]
    assert len(having) == 84 // 7
    search = Evolution(space, population=20, parents=2, mutants=2, crosses=2)
    assert any("gr_3x3" in arch.mask_head for arch in search.propose(99))
    return Arch(**{**vars(having[0]), "mask_head": ("gr_3x3", "at_3x3")})


def trained(supernet, path: Arch) -> None:
    """With regions and without."""
    supernet.set_arch(path)
    head = supernet.roi_head.mask_head
    for regions in (2, 0):
        out = head(torch.rand(regions, 32, 14, 14))
        assert out.shape == (regions, 6, 28, 28)
        out.sum().backward()
    weight = head.convs[0]["gr_3x3"].conv.weight
    assert weight.shape == (32, 32 // 8, 3, 3)
    assert weight.grad.abs().sum() > 0


def counted(config: dict, path: Arch) -> None:
    """Parameters as built; multiply-accumulates an eighth of a plain 3x3 convolution's."""
    network, shape = MODELS.build({**config, "arch": path}), NetworkShape.of_model(config)
    cost = network_cost(path, shape, (128, 128))
    built = dict(mask_head=network.roi_head.mask_head, semantic_head=network.semantic_head)
    for name, part in built.items():
        assert cost[name].params == sum(p.numel() for p in part.parameters()), name
    plain = network_cost(Arch(**{**vars(path), "mask_head": ("at_3x3", "at_3x3")}), shape)
    saved = 9 * 32 * 32 * 7 // 8
    assert plain["mask_head"].macs - cost["mask_head"].macs == shape.mask_rois * 14 * 14 * saved


if __name__ == "__main__":
    main(*sys.argv[1:])
