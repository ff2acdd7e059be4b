"""The stuff branch: labels, loss by hand, sizes, and independence of each level."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.seg_heads.base_semantic_head import BaseSemanticHead
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmpanonas.models.layers.best_channel import BLOCK, best_channel, channel_blocks
from mmpanonas.models.semantic_head import (
    IGNORE_LABEL,
    SearchableSemanticHead,
    SharedSemanticHead,
)
from mmpanonas.space import HEAD_CHOICES, Arch, ArchError
from tests.conftest import SEED


def make_head(kind: type = SharedSemanticHead, **options) -> SharedSemanticHead:
    norm = dict(type="GN", num_groups=2)
    chosen = dict(num_things_classes=3, num_stuff_classes=2, in_channels=4, channels=4)
    torch.manual_seed(SEED)
    return kind(**chosen | dict(norm_cfg=norm) | options)


def pyramid(height: int = 8, width: int = 12, batch: int = 2) -> tuple[torch.Tensor, ...]:
    sizes = [(-(-height // 2**i), -(-width // 2**i)) for i in range(5)]
    return tuple(torch.randn(batch, 4, *size) for size in sizes)


def sample(labels: torch.Tensor) -> DetDataSample:
    return DetDataSample(gt_sem_seg=PixelData(sem_seg=labels[None]))


def test_things_become_one_class_and_void_stays():
    labels = torch.tensor([0, 1, 2, 3, 4, IGNORE_LABEL], dtype=torch.uint8)
    assert make_head().merge_things(labels).tolist() == [2, 2, 2, 0, 1, IGNORE_LABEL]


def test_loss_is_the_weighted_mean_over_labelled_pixels_at_the_inputs_size():
    head, x = make_head(), pyramid()
    labels = torch.randint(0, 5, (2, 32, 48))
    labels[0, :16] = IGNORE_LABEL
    loss = head.loss(x, [sample(labels[0]), sample(labels[1])])["loss_seg"]
    logits = F.interpolate(head(x)["seg_preds"], (32, 48), mode="bilinear", align_corners=False)
    logs = logits.log_softmax(1)
    total, count = 0.0, 0
    for n in range(2):
        for y in range(32):
            for z in range(48):
                label = labels[n, y, z].item()
                if label != IGNORE_LABEL:
                    total -= logs[n, label - 3 if label > 2 else 2, y, z].item()
                    count += 1
    assert count == 2 * 32 * 48 - 16 * 48
    assert loss.item() == pytest.approx(0.3 * total / count, rel=1e-4)


def test_loss_of_certain_ignorance_is_the_logarithm():
    head = make_head()
    torch.nn.init.zeros_(head.conv_logits.weight)
    torch.nn.init.zeros_(head.conv_logits.bias)
    labels = torch.randint(0, 5, (32, 48))
    loss = head.loss(pyramid(batch=1), [sample(labels)])["loss_seg"]
    assert loss.item() == pytest.approx(0.3 * math.log(3), rel=1e-5)


def test_a_picture_of_void_alone_costs_nothing():
    labels = torch.full((32, 48), IGNORE_LABEL)
    loss = make_head().loss(pyramid(batch=1), [sample(labels)])["loss_seg"]
    loss.backward()
    assert loss.item() == 0


@settings(max_examples=10, deadline=None)
@given(height=st.integers(1, 20), width=st.integers(1, 20))
def test_logits_have_the_finest_levels_size_whatever_the_others(height, width):
    head = make_head()
    assert head(pyramid(height, width))["seg_preds"].shape == (2, 3, height, width)


def test_levels_share_their_layers_and_batches_equal_singles():
    head, x = make_head().eval(), pyramid()
    assert len(list(head.layers)) == 3
    both = head(x)["seg_preds"]
    for n in range(2):
        alone = head(tuple(level[n : n + 1] for level in x))["seg_preds"]
        torch.testing.assert_close(both[n : n + 1], alone)
    # Equal pyramids of constants: each level's share of the logits differs by its weights alone.
    flat = tuple(torch.ones_like(level) for level in x)
    shared = head.layers(flat[0])
    features = torch.cat(
        [F.interpolate(head.layers(f), shared.shape[-2:], mode="bilinear") for f in flat[:4]], 1
    )
    torch.testing.assert_close(head(flat)["seg_preds"], head.conv_logits(features))


def test_the_coarsest_level_is_not_used():
    head, x = make_head(), pyramid()
    changed = (*x[:4], x[4] + 1)
    assert torch.equal(head(x)["seg_preds"], head(changed)["seg_preds"])
    changed = (*x[:3], x[3] + 1, x[4])
    assert not torch.equal(head(x)["seg_preds"], head(changed)["seg_preds"])


@pytest.mark.parametrize("rescale", [False, True])
def test_prediction_equals_mmdetections_own(rescale):
    head, x = make_head().eval(), pyramid()
    metas = [
        dict(batch_input_shape=(32, 48), img_shape=(32, 48), ori_shape=(40, 60)),
        dict(batch_input_shape=(32, 48), img_shape=(30, 41), ori_shape=(15, 21)),
    ]
    ours = head.predict(x, metas, rescale)
    theirs = BaseSemanticHead.predict(head, x, metas, rescale)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    aligned = make_head(align_corners=True).eval().predict(x, metas, rescale)
    assert [a.shape for a in aligned] == [b.shape for b in ours]
    assert not torch.allclose(aligned[0], ours[0])


@pytest.mark.parametrize("align_corners", [False, True])
def test_labels_are_the_best_channels_of_the_logits(align_corners):
    head = make_head(num_stuff_classes=6, align_corners=align_corners).eval()
    head.conv_logits.weight.data.mul_(100)
    metas = [
        dict(batch_input_shape=(64, 96), img_shape=(64, 96), ori_shape=(80, 121)),
        dict(batch_input_shape=(64, 96), img_shape=(60, 83), ori_shape=(31, 43)),
    ]
    x = pyramid(16, 24)
    for labels, logits in zip(
        head.predict_labels(x, metas), head.predict(x, metas, rescale=True), strict=True
    ):
        assert torch.equal(labels, logits.argmax(0).short())
        assert len(labels.unique()) > 1


@pytest.mark.parametrize("channels", [1, 2, 54, 300])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_best_channel_is_argmax_and_the_first_in_a_tie(channels, dtype):
    logits = torch.randint(-9, 9, (channels, 7, 5), generator=torch.Generator().manual_seed(0))
    logits[:, 0, 0] = -5  # all alike
    given_logits = logits.to(dtype).requires_grad_()
    expected = np.argmax(logits.numpy(), axis=0)
    blocks = [given_logits.split(size) for size in (1, 3, BLOCK)]
    for best in map(best_channel, (given_logits, iter(given_logits), *blocks)):
        assert best.dtype == torch.int16
        np.testing.assert_array_equal(best.numpy(), expected)
    assert torch.equal(given_logits.detach(), logits.to(dtype))


def test_an_accelerator_takes_many_channels_at_a_time():
    assert [len(b) for b in channel_blocks(torch.zeros(54, 2, 2, device="meta"))] == [16, 16, 16, 6]
    assert len(channel_blocks(torch.zeros(54, 2, 2))) == 54


def test_the_searchable_head_shares_each_layer_among_the_levels():
    head = make_head(kind=SearchableSemanticHead)
    assert [tuple(layer) for layer in head.layers] == [HEAD_CHOICES] * 3
    arch = Arch(semantic_head=("df_3x3", "at_5x5", "dw_3x3"))
    fixed = make_head(kind=SearchableSemanticHead, arch=arch)
    assert [tuple(layer) for layer in fixed.layers] == [(c,) for c in arch.semantic_head]
    assert not fixed.load_state_dict(head.state_dict(), strict=False).missing_keys
    head.set_arch(arch)
    x = pyramid()
    assert torch.equal(head(x)["seg_preds"], fixed(x)["seg_preds"])
    with pytest.raises(ArchError, match="lacks semantic_head"):
        make_head(kind=SearchableSemanticHead, arch=Arch(backbone=("xception",)))
    with pytest.raises(ArchError, match="semantic_head: expected 2 choices, got 3"):
        make_head(kind=SearchableSemanticHead, arch=arch, num_layers=2)
