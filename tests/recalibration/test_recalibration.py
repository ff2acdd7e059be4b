"""BN statistics of a path: equal to the mean and variance computed directly on real batches."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.model import convert_sync_batchnorm
from torch import nn

from mmpanonas.errors import InputError
from mmpanonas.recalibration.moments import measuring, moving_average, norms_of, pool
from mmpanonas.recalibration.recalibration import (
    BNRecalibrationHook,
    RecalibrationBatches,
    backbone_forward,
    measure,
    norms_in_backbone_only,
    recalibrated,
)
from tests.conftest import SEED

RECALIBRATION = "mmpanonas.recalibration.recalibration"


@pytest.fixture
def config(shapes_config):
    return shapes_config("search_evolution")


@pytest.fixture
def model(config):
    torch.manual_seed(SEED)
    model = MODELS.build(config.model)
    model.set_arch(model.search_space.fair_path(0, 0))
    return model


@pytest.fixture
def batches(config):
    return RecalibrationBatches(**config.val_cfg.recalibration)


def inputs_of_norms(model: nn.Module, batches) -> dict[str, torch.Tensor]:
    """What every active batch norm sees in training mode, all batches concatenated."""
    seen: dict[str, list[torch.Tensor]] = {}
    handles = [
        m.register_forward_pre_hook(lambda _, x, name=name: seen.setdefault(name, []).append(x[0]))
        for name, m in model.named_modules()
        if isinstance(m, nn.BatchNorm2d)
    ]
    model.train()
    with torch.no_grad():
        for i in range(len(batches)):
            backbone_forward(model, batches[i])
    for handle in handles:
        handle.remove()
    return {name: torch.cat(parts).double() for name, parts in seen.items()}


def test_statistics_equal_those_computed_directly(model, batches):
    statistics = measure(model, batches, shared=False)
    expected = inputs_of_norms(model, batches)
    assert len(batches) == 2
    assert statistics.keys() == expected.keys()
    assert len(statistics) > 30
    for name, x in expected.items():
        mean, var = statistics[name]
        assert mean.dtype == torch.float64
        torch.testing.assert_close(mean, x.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(var, x.var((0, 2, 3), unbiased=False), rtol=1e-3, atol=1e-5)


def test_pool_by_hand():
    def moments(*values: float):
        x = torch.tensor(values, dtype=torch.float64)
        return {"bn": [(len(values), x.mean()[None], x.var(unbiased=False)[None])]}

    mean, var = pool([moments(1.0, 2.0, 3.0), moments(10.0, 14.0)])["bn"]
    assert mean.item() == 6.0  # 30 / 5
    assert var.item() == 26.0  # (25 + 16 + 9 + 16 + 64) / 5


def test_moving_averages_are_those_of_pytorch(model, config):
    batches = RecalibrationBatches(**config.val_cfg.recalibration, momentum=0.1)
    found = measure(model, batches, shared=False)
    norms = {n: m for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    for norm in norms.values():
        norm.reset_running_stats()
    model.train()
    with torch.no_grad():
        for i in range(len(batches)):
            backbone_forward(model, batches[i])
    for name, (mean, var) in found.items():
        torch.testing.assert_close(mean.float(), norms[name].running_mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(var.float(), norms[name].running_var, rtol=1e-4, atol=1e-5)


def test_moving_average_by_hand():
    moments = {"bn": [(2, torch.tensor([2.0]), torch.tensor([1.0]))]}  # unbiased variance 2
    mean, var = moving_average([moments, moments], 0.5)["bn"]
    assert (mean.item(), var.item()) == (1.5, 1.75)  # 0, 1, 1.5 and 1, 1.5, 1.75


def test_no_pictures_leave_the_networks_own_statistics(model, config):
    batches = RecalibrationBatches(**config.val_cfg.recalibration | dict(num_images=0))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with recalibrated(model, batches) as statistics:
        assert statistics == {}
        assert not model.training
        assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize(
    "options", [dict(num_images=-1), dict(batch_size=-1), dict(momentum=0.0), dict(momentum=2.0)]
)
def test_impossible_settings_are_refused(config, options):
    with pytest.raises(InputError, match=f"{next(iter(options))}: expected"):
        RecalibrationBatches(**dict(config.val_cfg.recalibration) | options)


def test_number_of_ranks_changes_nothing_to_the_last_bit(model, batches, monkeypatch):
    alone = measure(model, batches, shared=False)
    parts = []
    monkeypatch.setattr(f"{RECALIBRATION}.get_world_size", lambda: 2)
    for rank in range(2):
        monkeypatch.setattr(f"{RECALIBRATION}.get_rank", lambda rank=rank: rank)
        monkeypatch.setattr(
            f"{RECALIBRATION}.all_gather_object",
            lambda mine: parts.append(mine) or [mine],
        )
        measure(model, batches, shared=True)
    assert [[i for i, _ in part] for part in parts] == [[0], [1]]
    monkeypatch.setattr(f"{RECALIBRATION}.all_gather_object", lambda mine: parts[::-1])
    merged = measure(model, batches, shared=True)
    for name, (mean, var) in alone.items():
        assert torch.equal(mean, merged[name][0])
        assert torch.equal(var, merged[name][1])


def test_context_installs_and_restores(model, batches):
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with recalibrated(model, batches) as statistics:
        assert not model.training
        for name, (mean, var) in statistics.items():
            layer = model.get_submodule(name)
            torch.testing.assert_close(layer.running_mean, mean.float())
            torch.testing.assert_close(layer.running_var, var.float())
        idle = [n for n in before if n.endswith("running_mean") and n[:-13] not in statistics]
        assert idle
        assert all(torch.equal(model.state_dict()[n], before[n]) for n in idle)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with pytest.raises(KeyError), recalibrated(model, batches):
        raise KeyError
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_twice_gives_the_same_and_decodes_once(model, batches, monkeypatch):
    read = []
    original = type(batches.dataset).__getitem__
    monkeypatch.setattr(
        type(batches.dataset), "__getitem__", lambda self, i: read.append(i) or original(self, i)
    )
    first = measure(model, batches, shared=False)
    second = measure(model, batches, shared=False)
    assert len(read) == 4
    assert all(torch.equal(first[name][0], second[name][0]) for name in first)


def test_images_are_spread_over_the_data_set(config):
    options = dict(config.val_cfg.recalibration) | dict(num_images=4, batch_size=3)
    batches = RecalibrationBatches(**options)
    assert batches._cuts == [[0, 2, 4], [6]]
    assert len(batches[1]["inputs"]) == 1
    assert batches[0]["inputs"][0].dtype == torch.uint8


def test_a_batch_is_normalised_by_itself_also_under_syncbn(model, batches):
    plain = measure(model, batches, shared=False)
    synced = measure(convert_sync_batchnorm(model), batches, shared=False)
    for name, (mean, var) in plain.items():
        assert torch.equal(mean, synced[name][0])
        assert torch.equal(var, synced[name][1])


def test_the_whole_network_runs_when_norms_are_elsewhere(config, batches):
    assert norms_in_backbone_only(norms_of(MODELS.build(config.model)))
    config.model.neck.norm_cfg = dict(type="BN", requires_grad=True)
    model = MODELS.build(config.model).eval()
    assert not norms_in_backbone_only(norms_of(model))
    statistics = measure(model, batches, shared=False)
    assert any(name.startswith("neck") for name in statistics)


def test_norms_that_training_leaves_in_evaluation_keep_their_statistics(config, batches):
    config.model.backbone.frozen_stages = 2
    model = MODELS.build(config.model).eval()
    statistics = measure(model, batches, shared=False)
    assert not model.training
    assert statistics
    assert all(name.startswith(("backbone.stages.2.", "backbone.stages.3.")) for name in statistics)
    expected = inputs_of_norms(model, batches)
    for name, (mean, _) in statistics.items():
        torch.testing.assert_close(mean, expected[name].mean((0, 2, 3)), rtol=1e-3, atol=1e-4)
    config.model.backbone.norm_eval = True
    assert measure(MODELS.build(config.model), batches, shared=False) == {}


def test_a_head_that_finds_no_thing_leaves_its_statistics_and_fails_no_candidate(config, batches):
    config.model.roi_head.mask_head.norm_cfg = dict(type="BN", requires_grad=True)
    model = MODELS.build(config.model).eval()
    model.roi_head.bbox_head.fc_cls.bias.data[-1] = 1e4  # all is background
    heads = {name for name in norms_of(model) if name.startswith("roi_head")}
    assert heads
    with recalibrated(model, batches) as statistics:
        assert statistics
        assert not heads & statistics.keys()


def test_moments_of_batches_without_values_are_left_out():
    one = {"bn": [(2, torch.tensor([2.0]), torch.tensor([1.0]))]}
    assert pool([{}, one, {}]) == pool([one])
    assert moving_average([{}, one], 0.5) == moving_average([one], 0.5)
    norm = nn.BatchNorm2d(3)
    with measuring({"bn": norm}) as seen:
        assert norm(torch.empty(0, 3, 4, 4)).shape == (0, 3, 4, 4)
    assert seen == {}


class Twice(nn.Module):
    """One norm for two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(1)

    def forward(self, x, y):
        return self.bn(x), self.bn(y)


def test_a_layer_that_runs_twice_counts_both():
    model, x, y = Twice(), torch.randn(2, 1, 3, 3), torch.randn(1, 1, 2, 2) + 5
    with measuring(norms_of(model)) as seen:
        model(x, y)
    both = torch.cat((x.flatten(), y.flatten())).double()
    mean, var = pool([seen])["bn"]
    torch.testing.assert_close(mean[0], both.mean(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(var[0], both.var(unbiased=False), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_in_place_and_not_normalise_as_training_does(layout):
    model = nn.Sequential(nn.BatchNorm2d(6)).train()
    x = torch.randn(3, 6, 5, 7).contiguous(memory_format=layout)
    nn.init.normal_(model[0].weight)
    expected, outputs, seen, given = model(x), [], [], []
    for in_place in (False, True):
        given.append(x.clone(memory_format=torch.preserve_format))
        with measuring(norms_of(model), in_place) as moments:
            outputs.append(model(given[-1]))
        torch.testing.assert_close(outputs[-1], expected)
        seen.append(moments["0"][0])
    assert torch.equal(given[0], x)
    assert torch.equal(given[1], outputs[0])
    assert torch.equal(*outputs)
    assert all(torch.equal(a, b) for a, b in zip(seen[0][1:], seen[1][1:], strict=True))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_many_values_far_from_zero_are_measured_to_six_digits(layout):
    model, x = nn.BatchNorm2d(4), torch.randn(1, 4, 512, 513) + 30
    with measuring(norms_of(model)) as seen:
        model(x.contiguous(memory_format=layout))
    ((count, mean, var),) = seen[""]
    exact = x.double()
    assert count == 512 * 513
    torch.testing.assert_close(mean, exact.mean((0, 2, 3)), rtol=2e-6, atol=0)
    torch.testing.assert_close(var, exact.var((0, 2, 3), unbiased=False), rtol=2e-6, atol=0)


def test_a_single_value_per_channel_is_refused():
    model = nn.BatchNorm2d(2)
    with (
        pytest.raises(InputError, match="one value per channel, expected several"),
        measuring(norms_of(model)),
    ):
        model(torch.ones(1, 2, 1, 1))


def test_hook_sets_path_recalibrates_and_restores(model, config):
    class Runner:
        pass

    runner = Runner()
    runner.model = model
    options = dict(config.val_cfg.recalibration)
    arch = model.search_space.fair_path(1, 0)
    hook = BNRecalibrationHook(**options, arch=arch)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    hook.before_test_epoch(runner)
    assert model.active_arch == arch
    changed = [n for n, v in model.state_dict().items() if not torch.equal(v, before[n])]
    assert changed
    assert all("running" in name for name in changed)
    hook.after_test_epoch(runner)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
