"""Blocks, backbone and supernet against the released arrays, and the laws they obey."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mmpanonas.models.backbone import SearchableShuffleNetV2
from mmpanonas.models.layers.blocks import ShuffleBlock, shuffle_split
from mmpanonas.models.layers.choice import Choice
from mmpanonas.space import (
    BACKBONE_CHOICES,
    Arch,
    ArchError,
    NetworkShape,
    SearchSpace,
    backbone_cost,
)
from tests import reference

TINY = dict(channels=(4, 8, 12, 16, 20), blocks=(2, 1, 2, 1))
BN = dict(type="BN", requires_grad=True)


def tiny_arch(seed: int = 0) -> Arch:
    return Arch(backbone=tuple(np.random.default_rng(seed).choice(BACKBONE_CHOICES, 6)))


def randomize_norms(module: nn.Module) -> None:
    """Give every batch norm statistics that a mistake in copying would show."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.running_mean)
            nn.init.uniform_(m.running_var, 0.5, 2)


def test_shuffle_split_moves_channels_as_written():
    x = torch.arange(8.0).view(1, 8, 1, 1)
    passed, main = shuffle_split(x, "interleave")  # (2, 4) transposed: 0 4 1 5 | 2 6 3 7
    assert passed.flatten().tolist() == [0, 4, 1, 5]
    assert main.flatten().tolist() == [2, 6, 3, 7]
    passed, main = shuffle_split(x, "even_odd")
    assert passed.flatten().tolist() == [0, 2, 4, 6]
    assert main.flatten().tolist() == [1, 3, 5, 7]


@pytest.mark.parametrize("choice", BACKBONE_CHOICES)
@pytest.mark.parametrize("stride", [1, 2])
def test_block_equals_released_code(choice, stride):
    arrays = reference.load("blocks.npz")
    released = "xception_3x3" if choice == "xception" else choice.replace("shuffle", "shufflenet")
    case = f"{released}_s{stride}"
    outputs = {"interleave": "output", "even_odd": "output_shuffle_method2"}
    for shuffle, name in list(outputs.items())[: 3 - stride]:
        block = ShuffleBlock(choice, 16, 16 if stride == 1 else 40, stride, BN, shuffle).eval()
        reference.load_in_order(block, reference.released_state(arrays, f"{case}/state/"))
        with torch.no_grad():
            out = block(torch.from_numpy(arrays["input"]))
        reference.assert_close(out, arrays[f"{case}/{name}"])


def test_published_backbone_equals_released_code():
    arrays = reference.load("backbone_coco.npz")
    arch = Arch.load("configs/auto_panoptic/archs/coco.json")
    backbone = SearchableShuffleNetV2(arch, channels=(8, 16, 24, 32, 48)).eval()
    reference.load_in_order(backbone, reference.released_state(arrays, "body/state/"))
    with torch.no_grad():
        outputs = backbone(torch.from_numpy(arrays["input"]))
    # 40 random layers amplify rounding: from stage 3 on float64 differs from the arrays
    # by 1.2e-4 and 2.2e-4 as well.
    for level, tolerance in enumerate((1e-5, 1e-5, 1e-3, 1e-3)):
        reference.assert_close(outputs[level], arrays[f"output{level}"], tolerance)


def test_supernet_training_pass_equals_released_code():
    arrays = reference.load("supernet_train_step.npz")
    channels = [int(c) for c in arrays["stage_out_channels"] if c > 0]
    backbone = SearchableShuffleNetV2(channels=channels, blocks=(1, 1, 2, 1)).train()
    reference.load_in_order(backbone, reference.released_state(arrays, "body/state/"))
    backbone.set_arch([dict(backbone=arrays["rngs"].tolist())])
    outputs = backbone(torch.from_numpy(arrays["input"]))
    for level, output in enumerate(outputs):
        reference.assert_close(output.detach(), arrays[f"batchnorm2d/output{level}"])
    after = reference.released_state(arrays, "batchnorm2d/after/")
    buffers = [v for k, v in backbone.state_dict().items() if "running" in k or "num_batches" in k]
    assert len(after) == len(buffers)
    for ours, theirs in zip(buffers, after.values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), shuffle=st.sampled_from(["interleave", "even_odd"]))
def test_supernet_path_equals_fixed_network(seed, shuffle):
    arch = tiny_arch(seed)
    supernet = SearchableShuffleNetV2(**TINY, shuffle=shuffle).eval()
    randomize_norms(supernet)
    fixed = SearchableShuffleNetV2(arch, **TINY, shuffle=shuffle).eval()
    missing, _ = fixed.load_state_dict(supernet.state_dict(), strict=False)
    assert not missing
    supernet.set_arch(arch)
    x = torch.randn(2, 3, 33, 47)
    for ours, theirs in zip(fixed(x), supernet(x), strict=True):
        assert torch.equal(ours, theirs)


def test_another_path_gives_another_output():
    supernet = SearchableShuffleNetV2(**TINY).eval()
    x, outputs = torch.randn(1, 3, 32, 32), []
    for code in range(4):
        supernet.set_arch(Arch(backbone=(BACKBONE_CHOICES[code],) * 6))
        outputs.append(supernet(x)[-1])
    for i in range(4):
        for j in range(i):
            assert not torch.allclose(outputs[i], outputs[j])


@settings(max_examples=10, deadline=None)
@given(h=st.integers(1, 70), w=st.integers(1, 70), seed=st.integers(0, 99))
def test_output_sizes_and_cost_equal_the_built_network(h, w, seed):
    arch = tiny_arch(seed)
    backbone = SearchableShuffleNetV2(arch, **TINY).eval()
    counted = count_macs(backbone, torch.zeros(1, 3, h, w))
    cost = backbone_cost(arch, NetworkShape(**TINY), (h, w))
    assert cost.macs == counted
    assert cost.params == sum(p.numel() for p in backbone.parameters())
    for level, out in enumerate(backbone(torch.zeros(1, 3, h, w))):
        stride = 4 * 2**level
        assert out.shape[1:] == (TINY["channels"][level + 1], -(-h // stride), -(-w // stride))


def count_macs(module: nn.Module, *inputs: torch.Tensor) -> int:
    """Multiply-accumulates of the convolutions that really ran."""
    total, handles = [0], []

    def hook(conv: nn.Conv2d, _, out: torch.Tensor) -> None:
        total[0] += conv.weight[0].numel() * out.numel()

    for m in module.modules():
        if isinstance(m, nn.Conv2d):
            handles.append(m.register_forward_hook(hook))
    with torch.no_grad():
        module(*inputs)
    for handle in handles:
        handle.remove()
    return total[0]


def test_fixed_network_holds_the_chosen_operations_only():
    arch = tiny_arch()
    fixed = SearchableShuffleNetV2(arch, **TINY)
    layers = [m for m in fixed.modules() if isinstance(m, Choice)]
    assert [tuple(layer) for layer in layers] == [(choice,) for choice in arch.backbone]
    sum(out.sum() for out in fixed(torch.randn(2, 3, 32, 32))).backward()
    assert all(p.grad is not None for p in fixed.parameters())


def test_only_the_active_path_gets_gradients():
    supernet = SearchableShuffleNetV2(**TINY)
    arch = tiny_arch()
    supernet.set_arch(arch)
    sum(out.sum() for out in supernet(torch.randn(2, 3, 32, 32))).backward()
    layers = [m for m in supernet.modules() if isinstance(m, Choice)]
    for layer, choice in zip(layers, arch.backbone, strict=True):
        for name, op in layer.items():
            assert all((p.grad is not None) == (name == choice) for p in op.parameters())


def test_frozen_stages_norm_eval_and_checkpointing():
    backbone = SearchableShuffleNetV2(**TINY, frozen_stages=2, norm_eval=True).train()
    frozen = [backbone.stem, *backbone.stages[:2]]
    assert not any(p.requires_grad for m in frozen for p in m.parameters())
    assert all(p.requires_grad for m in backbone.stages[2:] for p in m.parameters())
    assert not any(m.training for m in backbone.modules() if isinstance(m, nn.BatchNorm2d))
    assert backbone.stages[3].training

    plain, saving = (SearchableShuffleNetV2(**TINY, with_cp=cp).train() for cp in (False, True))
    saving.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 32, 32)
    for net in (plain, saving):
        net(x)[-1].square().sum().backward()
    for a, b in zip(plain.parameters(), saving.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None)
        assert a.grad is None or torch.allclose(a.grad, b.grad)
    # The backward pass normalises again, but moves no running statistics again.
    for (name, a), b in zip(plain.named_buffers(), saving.buffers(), strict=True):
        torch.testing.assert_close(a, b, msg=name)
    assert {int(b) for name, b in plain.named_buffers() if name.endswith("tracked")} == {0, 1}


def test_bad_input_is_refused_plainly():
    with pytest.raises(ArchError, match="expected 6 choices, got 40"):
        SearchableShuffleNetV2("configs/auto_panoptic/archs/coco.json", **TINY)
    with pytest.raises(ArchError, match="is fixed to"):
        SearchableShuffleNetV2(tiny_arch(0), **TINY).set_arch(tiny_arch(1))
    with pytest.raises(ValueError, match="even"):
        SearchableShuffleNetV2(channels=(4, 7, 12, 16, 20))
    with pytest.raises(ValueError, match="interleave"):
        SearchableShuffleNetV2(shuffle="random")
    with pytest.raises(ArchError, match="does not exist"):
        SearchableShuffleNetV2("no/such/file.json")


def test_full_space_of_the_full_backbone():
    assert SearchableShuffleNetV2.part_name == "backbone"
    backbone = SearchableShuffleNetV2()
    assert SearchSpace([backbone.part]).size == 4**40
