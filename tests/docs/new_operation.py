"""Uses what docs/space.md registers, from a folder of its own: new_operation.py ROOT DATA."""

import runpy
import sys
from pathlib import Path

import bottleneck  # noqa: F401
import searched_neck  # noqa: F401
import torch
from mmdet.registry import MODELS

from mmpanonas.config import load_config
from mmpanonas.space import Arch, NetworkShape, network_cost
from mmpanonas.strategies import Evolution
from mmpanonas.visualization import draw_arch
from tests.conftest import SMALL
from tests.counting import counted_macs, counted_params, deformable_shapes, modules_of

OPTIONS = SMALL | {"train_cfg.max_iters": 6, "default_hooks.checkpoint.interval": 6}


def main(root: str, data: str) -> None:
    options = OPTIONS | {"data_root": data}
    config = load_config("grouped_supernet.py", options).model
    supernet = MODELS.build(config)
    path = sampled(supernet)
    counted(config, path)
    draw_arch(path, "arch.svg", shape=NetworkShape.of_model(config))
    any_module(config)
    new_part(config)
    tools(root, options)


def sampled(supernet) -> Arch:
    """Strictly fair windows and searches have them; returns a path of nothing else."""
    space = supernet.search_space
    assert (space.size, space.window) == (3**10 * 3**3 * 3**9, 3)
    window = space.fair_paths(0, 0)
    assert [path.semantic_head for path in window].count(("gr_3x3",)) == 1
    assert sum(path.backbone.count("plain_3x3") for path in window) == 10
    search = Evolution(space, population=20, parents=2, mutants=2, crosses=2)
    assert any("gr_3x3" in arch.mask_head for arch in search.propose(99))
    path = window[0].replace(
        backbone=("plain_3x3",) * 10, mask_head=("gr_3x3",) * 2, semantic_head=("gr_3x3",)
    )
    supernet.set_arch(path)
    head = supernet.roi_head.mask_head
    for regions in (2, 0):
        out = head(torch.rand(regions, 32, 14, 14))
        assert out.shape == (regions, 6, 28, 28)
        out.sum().backward()
    weight = head.convs[0]["gr_3x3"].conv.weight
    assert weight.shape == (32, 32 // 8, 3, 3)
    assert weight.grad.abs().sum() > 0
    return path


def counted(config: dict, path: Arch) -> None:
    """As on the built network."""
    shape, size = NetworkShape.of_model(config), (128, 128)
    with torch.device("meta"):
        network = MODELS.build({**config, "arch": path}).eval()
    with deformable_shapes():
        macs = counted_macs(network, shape, size)
    cost = network_cost(path, shape, size)
    for part, module in modules_of(network).items():
        assert (cost[part].macs, cost[part].params) == (macs[part], counted_params(module)), part


def any_module(config: dict) -> None:
    """The bottleneck in block and head: built and counted."""
    names = ["shuffle_3x3", "bottleneck"]
    chosen = {**config, "backbone": {**config["backbone"], "operations": names}}
    space = MODELS.build(chosen).search_space
    path = space.fair_path(0, 0).replace(backbone=("bottleneck",) * 10)
    counted(chosen, path)


def new_part(config: dict) -> None:
    """The neck is searched, fixed, and saved as a part like the others."""
    chosen = {**config, "neck": {**config["neck"], "type": "SearchedFPN"}}
    supernet = MODELS.build(chosen)
    path = supernet.search_space.fair_path(0, 3)
    assert len(path.neck) == 4
    supernet.set_arch(path)
    assert supernet.active_arch == path
    path.dump("neck.json")
    fixed = MODELS.build({**chosen, "arch": "neck.json"})
    assert fixed.search_space.size == 1
    assert fixed.active_arch == path == Arch.load("neck.json")


def tools(root: str, options: dict) -> None:
    """Train fairly, search, export, draw, report, retrain: each tool as it comes."""
    words = ["--cfg-options", *(f"{key}={value}" for key, value in options.items())]

    def call(tool: str, *argv: object) -> None:
        sys.argv = [tool, *map(str, argv)]
        runpy.run_path(f"{root}/tools/{tool}", run_name="__main__")

    call("train.py", "grouped_supernet.py", "--work-dir", "supernet", *words, "visualizer.name=s")
    call("search.py", "grouped_search.py", "supernet/iter_6.pth", "--work-dir", "search", *words)
    call("analysis_tools/export_arch.py", "search", "chosen.json", "--rank", 2)
    assert set(Arch.load("chosen.json").semantic_head) <= {"dw_3x3", "df_3x3", "gr_3x3"}
    call(
        "analysis_tools/draw_search.py",
        "search",
        "--config",
        "grouped_search.py",
        *words[:1],
        words[-1],
    )
    call("analysis_tools/report.py", "search")
    retrain = ["model.arch=chosen.json", "visualizer.name=r"]
    call(
        "train.py",
        "grouped_retrain.py",
        "--work-dir",
        "retrain",
        "--from-scratch",
        *words,
        *retrain,
    )
    assert Path("retrain/iter_6.pth").is_file()


if __name__ == "__main__":
    main(*sys.argv[1:])
