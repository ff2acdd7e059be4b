"""Time a training step of a path inside the supernet beside the same fixed network.

    python benchmarks/supernet_step.py [--config CONFIG] [--coco-sample] [--rounds 10]

A step is set_arch (supernet only), forward and backward; the optimizer's work depends on the
window and is left out. The fixed network is built from the config with ``arch`` and holds
copies of the supernet's weights; both get the same preprocessed pictures and the same random
numbers, in turn, in one process. Losses and gradients must be equal to the last bit. Pictures
are rendered shapes at the config's size or, with --coco-sample and a COCO config, the two COCO
pictures beside the checkout.
"""

import argparse
import copy
import tempfile
from pathlib import Path
from statistics import median

import torch
from common import config_on_coco_sample, config_on_shapes, in_turn, machine, seed_all, use_cpu_time
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from mmpanonas.space import Arch


def build_pair(cfg: Config, seed: int, device: str) -> tuple[nn.Module, nn.Module, Arch]:
    """The supernet, the fixed network of one of its paths with the same weights, the path."""
    seed_all(seed)
    supernet = MODELS.build(cfg.model)
    supernet.init_weights()
    arch = supernet.search_space.fair_path(seed, 0)
    fixed = MODELS.build(cfg.model | {"arch": arch.to_dict()})
    weights = supernet.state_dict()
    fixed.load_state_dict({key: weights[key] for key in fixed.state_dict()})
    return supernet.to(device).train(), fixed.to(device).train(), arch


def make_batch(cfg: Config, pictures: int, model: nn.Module) -> dict:
    """Preprocessed training pictures with annotations."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    seed_all(0)
    batch = pseudo_collate([dataset[i % len(dataset)] for i in range(pictures)])
    return model.data_preprocessor(batch, True)


def step(model: nn.Module, batch: dict, arch: Arch | None) -> dict[str, float]:
    """One pass; returns the losses, leaves the gradients on the parameters."""
    if arch is not None:
        model.set_arch(arch)
    seed_all(1)
    model.zero_grad(set_to_none=True)
    total, losses = model.parse_losses(model.loss(batch["inputs"], batch["data_samples"]))
    total.backward()
    return {name: value.item() for name, value in losses.items()}


def assert_equal(supernet: nn.Module, fixed: nn.Module, batch: dict, arch: Arch) -> dict:
    """Both networks' losses and gradients; returns the losses."""
    ours, theirs = step(supernet, batch, arch), step(fixed, batch, None)
    if ours != theirs:
        raise SystemExit(f"losses differ:\n{ours}\n{theirs}")
    parameters = dict(supernet.named_parameters())
    for name, parameter in fixed.named_parameters():
        mine, other = parameters.pop(name).grad, parameter.grad
        if (mine is None) != (other is None) or not (mine is None or torch.equal(mine, other)):
            raise SystemExit(f"the gradients of {name} differ")
    reached = [name for name, parameter in parameters.items() if parameter.grad is not None]
    if reached:
        raise SystemExit(f"the path left gradients on other choices: {reached[:3]}")
    return ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/auto_panoptic/shapes/supernet.py")
    parser.add_argument("--coco-sample", action="store_true", help="with a COCO config")
    parser.add_argument("--pictures", type=int, help="of a step (default: the config's batch)")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of weights and path")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cpu-time", action="store_true", help="for a machine that others use")
    args = parser.parse_args()
    unit = use_cpu_time(args.cpu_time)

    with tempfile.TemporaryDirectory() as name:
        if args.coco_sample:
            cfg = config_on_coco_sample(args.config)
        else:
            cfg = config_on_shapes(args.config, Path(name) / "shapes", train=8, val=1)
        supernet, fixed, arch = build_pair(cfg, args.seed, args.device)
        pictures = args.pictures or cfg.train_dataloader.batch_size
        batch = make_batch(cfg, pictures, fixed)
    losses = assert_equal(supernet, fixed, copy.deepcopy(batch), arch)
    functions = {
        "supernet": lambda: step(supernet, batch, arch),
        "fixed": lambda: step(fixed, batch, None),
    }
    seconds = in_turn(functions, args.rounds)

    shape = "x".join(map(str, batch["inputs"].shape))
    print(f"{machine(args.device)}\n{args.config}, input {shape}, {args.rounds} rounds in turn")
    print(f"losses ({losses['loss']:.6f}) and gradients are equal to the last bit")
    print(f"{unit:22} minimum    median  parameters")
    for label, model in (("supernet", supernet), ("fixed", fixed)):
        count = sum(parameter.numel() for parameter in model.parameters())
        times = seconds[label]
        print(f"{label:20} {min(times):9.3f} {median(times):9.3f} {count / 1e6:9.2f} M")
    ratios = [reduce(seconds["supernet"]) / reduce(seconds["fixed"]) for reduce in (min, median)]
    print(f"supernet / fixed     {ratios[0]:9.3f} {ratios[1]:9.3f}")


if __name__ == "__main__":
    main()
