"""Strict fairness: what one optimizer step of a window of paths does to each parameter."""

import copy
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.dataset import pseudo_collate
from mmengine.hooks import CheckpointHook
from mmengine.optim import OptimWrapper
from mmengine.registry import DATASETS
from torch import nn

from mmpanonas.errors import InputError
from mmpanonas.models import Choice, Searchable
from mmpanonas.space import Arch, SearchSpace
from mmpanonas.training.fairness import (
    FairAmpOptimWrapper,
    FairOptimWrapper,
    StrictFairnessHook,
    UniformSamplingHook,
)
from tests.conftest import SEED
from tests.ranks import run_on_two_ranks

ROOT = Path(__file__).parents[2]


class Toy(Searchable, nn.Module):
    """Two searched layers of the backbone's four choices, and shared weights around them."""

    part_name = "backbone"

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.declare_part(None, 2)
        self.first = nn.Linear(3, 4)
        self.layers = nn.ModuleList(
            Choice(self.choices_of(i), lambda _: nn.Linear(4, 4)) for i in range(2)
        )
        self.last = nn.Linear(4, 1)

    @property
    def search_space(self) -> SearchSpace:
        return SearchSpace([self.part])

    @property
    def active_arch(self) -> Arch:
        return Arch(backbone=self.active_choices)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        for layer in self.layers:
            x = layer(x).tanh()
        return self.last(x).square().mean()


def make_runner(model: nn.Module, wrapper, iteration: int = 0, **kwargs) -> SimpleNamespace:
    return SimpleNamespace(
        **dict(model=model, optim_wrapper=wrapper, iter=iteration, max_iters=48, hooks=[]) | kwargs
    )


def train_window(
    model: Toy, wrapper: OptimWrapper, batches, hook: StrictFairnessHook
) -> list[Arch]:
    runner = make_runner(model, wrapper)
    hook.before_train(runner)
    paths = []
    for runner.iter, batch in enumerate(batches):
        hook.before_train_iter(runner, runner.iter)
        paths.append(model.active_arch)
        with wrapper.optim_context(model):
            loss = model(batch)
        wrapper.update_params(loss)
    return paths


def expected_after_window(model: Toy, paths: list[Arch], batches, lr: float, clip: float | None):
    """By hand: sum the gradients of the passes, divide by how many reached the parameter."""
    sums = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    passes = Counter()
    for path, batch in zip(paths, batches, strict=True):
        model.zero_grad()
        model.set_arch(path)
        model(batch).backward()
        for name, p in model.named_parameters():
            if p.grad is not None:
                sums[name] += p.grad
                passes[name] += 1
    means = {name: sums[name] / passes[name] for name in sums}
    norm = torch.stack([m.norm() for m in means.values()]).norm()
    scale = min(1.0, clip / (norm + 1e-6)) if clip else 1.0
    return {n: p.detach() - lr * scale * means[n] for n, p in model.named_parameters()}, passes


@pytest.mark.parametrize("clip", [None, 1e-2])
def test_one_window_equals_the_formula(clip):
    batches = [torch.randn(5, 3) for _ in range(4)]
    model = Toy()
    wrapper = FairOptimWrapper(
        torch.optim.SGD(model.parameters(), lr=0.1),
        clip_grad=dict(max_norm=clip) if clip else None,
    )
    paths = train_window(model, wrapper, batches, StrictFairnessHook(seed=3))
    expected, passes = expected_after_window(Toy(), paths, batches, 0.1, clip)
    assert passes["first.weight"] == 4
    assert {passes[name] for name in passes if "layers" in name} == {1}
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter, expected[name], msg=name)
        assert parameter.grad is None


def test_every_operation_is_trained_equally_often():
    model = Toy()
    wrapper = FairOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    hook, used = StrictFairnessHook(), Counter()
    for _ in range(3):
        for path in train_window(model, wrapper, [torch.randn(2, 3)] * 4, hook):
            used.update(enumerate(path.backbone))
    assert len(used) == 8
    assert set(used.values()) == {3}


def test_uniform_sampling_steps_by_the_same_rule_on_paths_that_are_not_fair():
    batches = [torch.randn(5, 3) for _ in range(4)]
    model = Toy()
    wrapper = FairOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    paths = train_window(model, wrapper, batches, UniformSamplingHook(seed=3))
    expected, passes = expected_after_window(Toy(), paths, batches, 0.1, None)
    counts = {passes[name] for name, _ in model.named_parameters() if "layers" in name}
    assert counts > {0, 1}, "every choice was used once: these paths are fair"
    for name, parameter in model.named_parameters():
        if passes[name]:
            torch.testing.assert_close(parameter, expected[name], msg=name)
        else:
            assert torch.equal(parameter, dict(Toy().named_parameters())[name])


def test_amp_window_equals_the_formula_in_bfloat16(monkeypatch):
    module = "mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available"
    monkeypatch.setattr(module, lambda: True)  # MMEngine's AMP refuses CPUs; autocast does not
    batches = [torch.randn(5, 3) for _ in range(4)]
    model = Toy()
    wrapper = FairAmpOptimWrapper(
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1), dtype="bfloat16"
    )
    paths = train_window(model, wrapper, batches, StrictFairnessHook(seed=3))
    expected, _ = expected_after_window(Toy(), paths, batches, 0.1, None)
    exact = True
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter, expected[name], rtol=2e-2, atol=2e-3)
        exact &= torch.equal(parameter, expected[name])
    assert not exact, "autocast did not act"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_amp_on_a_gpu_equals_the_formula():
    batches = [torch.randn(5, 3, device="cuda") for _ in range(4)]
    model = Toy().cuda()
    wrapper = FairAmpOptimWrapper(optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    paths = train_window(model, wrapper, batches, StrictFairnessHook(seed=3))
    expected, _ = expected_after_window(Toy().cuda(), paths, batches, 0.1, None)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter, expected[name], rtol=1e-2, atol=1e-3)


def test_resumed_run_takes_the_same_paths():
    def paths(start: int, stop: int) -> list[Arch]:
        hook, model = StrictFairnessHook(seed=7), Toy()
        wrapper = FairOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
        return [hook.path(make_runner(model, wrapper, i)) for i in range(start, stop)]

    assert paths(0, 24)[8:] == paths(8, 24)
    assert paths(0, 4) != paths(4, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(max_iters=50), "train_cfg.max_iters is 50"),
        (dict(iteration=6), "start from is 6"),
        (dict(hooks=[CheckpointHook(interval=10, by_epoch=False)]), "checkpoint.interval is 10"),
    ],
)
def test_a_window_cut_in_two_is_refused(changes, message):
    model = Toy()
    wrapper = FairOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(InputError, match=message):
        StrictFairnessHook().before_train(make_runner(model, wrapper, **changes))


def test_a_wrapper_that_does_not_average_is_refused():
    model = Toy()
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(InputError, match="FairOptimWrapper"):
        StrictFairnessHook().before_train(make_runner(model, wrapper))


RANKS = """
import sys, torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from tests.training.test_fairness import Toy, make_runner
from mmpanonas.training.fairness import FairOptimWrapper, StrictFairnessHook
torch.distributed.init_process_group("gloo")
rank, out = torch.distributed.get_rank(), sys.argv[1]
torch.manual_seed(100 + rank)
batches = [torch.randn(5, 3) for _ in range(8)]
model = Toy()
wrapped = MMDistributedDataParallel(model, device_ids=None, forward_sync_buffers=False)
wrapper = FairOptimWrapper(torch.optim.SGD(wrapped.parameters(), lr=0.1))
runner, hook, paths = make_runner(wrapped, wrapper), StrictFairnessHook(seed=3), []
hook.before_train(runner)
for runner.iter, batch in enumerate(batches):
    hook.before_train_iter(runner, runner.iter)
    paths.append(model.active_choices)
    with wrapper.optim_context(wrapped):
        loss = wrapped(batch)
    wrapper.update_params(loss)
torch.save(dict(state=model.state_dict(), batches=batches, paths=paths), f"{out}/{rank}.pt")
"""


def test_two_ranks_take_the_mean_of_their_gradients(tmp_path):
    first, second = run_on_two_ranks(RANKS, tmp_path)
    assert first["paths"] == second["paths"]
    model = Toy()
    for window in range(2):
        steps = slice(4 * window, 4 * window + 4)
        paths = [Arch(backbone=p) for p in first["paths"][steps]]
        both = []
        for rank in (first, second):
            expected, _ = expected_after_window(model, paths, rank["batches"][steps], 0.1, None)
            both.append(expected)
        model.load_state_dict({name: (both[0][name] + both[1][name]) / 2 for name in both[0]})
    for name, value in model.state_dict().items():
        torch.testing.assert_close(first["state"][name], value)
        assert torch.equal(first["state"][name], second["state"][name])


# The whole detector: all five parts, twelve passes a step


class Whole(nn.Module):
    """The detector of a config on one batch; what is sampled inside a pass is the batch's."""

    def __init__(self, config, data: dict) -> None:
        super().__init__()
        torch.manual_seed(SEED)
        self.detector, self.data = MODELS.build(copy.deepcopy(config.model)), data

    @property
    def search_space(self) -> SearchSpace:
        return self.detector.search_space

    @property
    def active_arch(self) -> Arch:
        return self.detector.active_arch

    def set_arch(self, arch: Arch) -> None:
        self.detector.set_arch(arch)

    def forward(self, seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        inputs = self.detector.train().data_preprocessor(self.data | {}, True)
        return self.detector.parse_losses(self.detector(**inputs, mode="loss"))[0]


def passes_by_name(name: str, space: SearchSpace) -> int:
    """How many passes of a window reach a parameter: all, unless it is of a searched choice."""
    for part in space.searched:
        if part.name in name and set(name.split(".")) & set(part.choices):
            return space.window // len(part.choices)
    return space.window


@pytest.mark.parametrize(
    ("fixed", "window"),
    [((), 12), (("backbone",), 6), (("roi_head.mask_head", "semantic_head"), 12)],
)
def test_a_window_over_all_parts_equals_the_formula(shapes_config, fixed, window):
    narrow = {
        "model.backbone.channels": (8, 12, 24, 48, 80),
        "model.backbone.blocks": (1, 1, 1, 1),
        "model.neck.in_channels": [12, 24, 48, 80],
    }
    config = shapes_config("supernet", **narrow)
    arch = MODELS.build(copy.deepcopy(config.model)).search_space.fair_path(0, 0)
    config.merge_from_dict({f"model.{part}.arch": arch.to_dict() for part in fixed})
    dataset = DATASETS.build(config.train_dataloader.dataset)
    data = pseudo_collate([dataset[0]])
    models = [Whole(config, data) for _ in range(2)]
    wrapper = FairOptimWrapper(torch.optim.SGD(models[0].parameters(), lr=0.1))
    paths = train_window(models[0], wrapper, range(window), StrictFairnessHook(seed=3))
    expected, passes = expected_after_window(models[1], paths, range(window), 0.1, None)

    assert len(set(paths)) == window == models[0].search_space.window
    trained = dict(models[0].named_parameters())
    for name, parameter in trained.items():
        torch.testing.assert_close(parameter, expected[name], rtol=1e-4, atol=1e-6, msg=name)
    counts = {name: passes_by_name(name, models[0].search_space) for name in trained}
    assert passes == counts
    shared = {"backbone": 3, "mask_head": 2, "semantic_head": 2}
    shared |= {"things_to_stuff": 4, "stuff_to_things": 4}
    for part in models[0].search_space.searched if window == 12 else ():
        assert min(n for name, n in counts.items() if part.name in name) == shared[part.name]
    assert counts["detector.neck.lateral_convs.0.conv.weight"] == window
