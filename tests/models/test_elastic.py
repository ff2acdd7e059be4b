"""Widths and depths: weights shared by slicing, and the networks that paths are."""

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import OptimWrapper
from torch import nn

from mmpanonas.errors import InputError
from mmpanonas.models.elastic import weights_of_path
from mmpanonas.models.layers.blocks import joined, shuffle_split
from mmpanonas.models.layers.sliced import Rows, Size, slice_layers, used_rows
from mmpanonas.recalibration.recalibration import measure
from mmpanonas.space import ArchError, NetworkShape, network_cost, space_of
from mmpanonas.training.fairness import FairOptimWrapper
from tests.conftest import SEED
from tests.counting import counted_macs, deformable_shapes
from tests.elastic_networks import WIDTHS, elastic_config, network, outputs, supernet


def test_a_path_is_its_network_with_sliced_weights():
    config = elastic_config()
    wide, rng = supernet(config), np.random.default_rng(SEED)
    for _ in range(4):
        arch = wide.search_space.sample(rng)
        wide.set_arch(arch)
        assert wide.active_arch == arch
        alone = network(config, arch)
        assert alone.search_space.check(arch) == arch
        assert alone.active_arch == arch
        alone.load_state_dict(weights_of_path(wide, alone))
        for ours, theirs in zip(outputs(wide), outputs(alone), strict=True):
            assert torch.equal(ours, theirs)


def test_a_ratio_that_does_not_divide_a_width_rounds_down_in_path_network_and_cost():
    """24 channels over 16: the network of such a path used to be refused when it was built."""
    config = elastic_config(dict(pyramid_width=["x50", "x75"], semantic_width=["x75", "x100"]))
    wide = supernet(config)
    arch = wide.search_space.sample(np.random.default_rng(SEED)).replace(
        pyramid_width=["x75"],
        semantic_width=["x75"],
        things_to_stuff=["r16"] * 4,
        stuff_to_things=["r16"] * 5,
    )
    wide.set_arch(arch)
    alone = network(config, arch)
    assert alone.stuff_to_things.gates[0]["r16"].fc1.out_features == 24 // 16
    alone.load_state_dict(weights_of_path(wide, alone))
    for ours, theirs in zip(outputs(wide), outputs(alone), strict=True):
        assert torch.equal(ours, theirs)
    cost = network_cost(arch, NetworkShape.of_model(config.model), (96, 64))
    assert sum(c.params for c in cost.values()) == sum(p.numel() for p in alone.parameters())


def test_norms_that_are_replaced_are_sliced_again():
    """MMEngine makes them synchronised for several ranks, and single again for a search."""
    wide = supernet()
    arch = wide.search_space.sample(np.random.default_rng(SEED))
    wide.set_arch(arch)
    before = outputs(wide)
    for replaced in (nn.SyncBatchNorm.convert_sync_batchnorm, revert_sync_batchnorm):
        model = replaced(wide)
        model.set_arch(arch)
        for ours, theirs in zip(outputs(model), before, strict=True):
            torch.testing.assert_close(ours, theirs)


def test_the_cost_of_a_path_is_that_of_its_network():
    config = elastic_config()
    shape, space = NetworkShape.of_model(config.model), space_of(config.model)
    rng = np.random.default_rng(SEED)
    for _ in range(4):
        arch = space.sample(rng)
        with torch.device("meta"):
            alone = network(config, arch)
        cost = network_cost(arch, shape, (96, 64))
        assert sum(c.params for c in cost.values()) == sum(p.numel() for p in alone.parameters())
        with deformable_shapes():
            macs = counted_macs(alone, shape.at(arch), (96, 64))
        assert macs == {name: c.macs for name, c in cost.items()}


def test_the_space_of_a_config_is_that_of_its_supernet():
    config = elastic_config()
    assert space_of(config.model).parts == supernet(config).search_space.parts


def test_all_at_their_widths_is_the_published_space():
    """Without the key, or an architecture without the parts, nothing is sliced or scaled."""
    config = elastic_config(elastic=None)
    plain = MODELS.build(config.model)
    assert set(plain.search_space.parts) == {
        "backbone", "mask_head", "semantic_head", "things_to_stuff", "stuff_to_things",
    }  # fmt: skip
    arch = plain.search_space.sample(np.random.default_rng(SEED))
    names = {n: p.shape for n, p in network(elastic_config(), arch).state_dict().items()}
    assert names == {n: p.shape for n, p in network(config, arch).state_dict().items()}


def test_braided_channels_keep_their_meaning_at_every_width():
    """The first channels of a wide map are the narrow map, through splits and joints."""
    x = torch.arange(16.0).view(1, 16, 1, 1)
    passed, rest = shuffle_split(x, "braided")
    assert passed.flatten().tolist() == [0, 1, 4, 5, 8, 9, 12, 13]
    assert rest.flatten().tolist() == [2, 3, 6, 7, 10, 11, 14, 15]
    assert joined(passed, rest, "braided").flatten().tolist()[:6] == [2, 0, 3, 1, 6, 4]
    for width in (4, 8, 12):
        narrow = shuffle_split(x[:, :width], "braided")
        for part, whole in zip(narrow, (passed, rest), strict=True):
            assert torch.equal(part, whole[:, : width // 2])
        assert torch.equal(joined(*narrow, "braided"), joined(passed, rest, "braided")[:, :width])


def test_where_outer_channels_say_nothing_a_wide_path_computes_the_narrow_one():
    """Weights from outer to inner channels are zero: the narrow maps lie first in the wide ones."""
    wide = supernet(elastic_config(dict(stage_widths=["x50", "x100"])))
    arch = wide.search_space.sample(np.random.default_rng(SEED))
    backbone, x = wide.backbone, torch.randn(1, 3, 64, 64)
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            rows, columns = module.weight.shape[:2]
            module.weight.data[: rows // 2, columns // 2 :] = 0
    wide.set_arch(arch.replace(stage_widths=["x50"] * 5))
    narrow = [x.clone() for x in backbone(x)]
    wide.set_arch(arch.replace(stage_widths=["x100"] * 5))
    for small, large in zip(narrow, backbone(x), strict=True):
        torch.testing.assert_close(large[:, : small.shape[1]], small, rtol=1e-4, atol=1e-5)


def test_statistics_of_a_narrow_path_are_those_of_its_network():
    config = elastic_config()
    wide = supernet(config)
    arch = wide.search_space.sample(np.random.default_rng(SEED + 1))
    wide.set_arch(arch)
    alone = network(config, arch)
    alone.load_state_dict(weights_of_path(wide, alone))
    batches = [dict(inputs=[torch.randint(0, 255, (3, 64, 64)).byte() for _ in range(2)])]
    expected, found = measure(alone, batches), measure(wide, batches)
    assert set(found) == set(expected)
    for name, values in expected.items():
        for ours, theirs in zip(found[name], values, strict=True):
            torch.testing.assert_close(ours, theirs)


class TwoWidths(nn.Module):
    """A layer of one or two output channels, and one that reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.size = Size(dict(x50=1, x100=2))
        self.first, self.last = nn.Linear(1, 2, bias=False), nn.Linear(2, 1, bias=False)
        for layer in (self.first, self.last):
            layer.weight.data.fill_(1.0)
        slice_layers(self.first, Rows(self.size))
        slice_layers(self.last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(x)).sum()


def test_each_output_channel_takes_the_mean_over_its_own_passes():
    """By hand: three narrow passes and one wide one, inputs 1, 2, 3, 4."""
    model = TwoWidths()
    wrapper: OptimWrapper = FairOptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0))
    wrapper.set_window(4, used_rows(model))
    for x, width in ((1.0, "x50"), (2.0, "x50"), (3.0, "x100"), (4.0, "x50")):
        model.size.active = width
        with wrapper.optim_context(model):
            loss = model(torch.tensor([[x]]))
        wrapper.update_params(loss)
    # d/d first = x in rows used: row 0 by 1, 2, 3, 4 (mean 2.5), row 1 by 3 alone (mean 3).
    assert model.first.weight.flatten().tolist() == [1 - 2.5, 1 - 3.0]
    # The one row of the last layer takes part in all four: columns 10 / 4 and 3 / 4.
    assert model.last.weight.flatten().tolist() == [1 - 2.5, 1 - 0.75]


def test_a_transposed_convolution_counts_its_own_output_channels():
    """By hand: inputs 1 and 2 narrow, 3 wide; its output channels are the weight's second side."""
    size, layer = Size(dict(x50=1, x100=2)), nn.ConvTranspose2d(1, 2, 1)
    layer.weight.data.fill_(1.0)
    layer.bias.data.zero_()
    slice_layers(layer, Rows(size))
    wrapper = FairOptimWrapper(torch.optim.SGD(layer.parameters(), lr=1.0))
    wrapper.set_window(3, used_rows(layer))
    for x, width in ((1.0, "x50"), (2.0, "x50"), (3.0, "x100")):
        size.active = width
        with wrapper.optim_context(layer):
            loss = layer(torch.full((1, 1, 1, 1), x)).sum()
        wrapper.update_params(loss)
    assert layer.weight.flatten().tolist() == [1 - 2.0, 1 - 3.0]
    assert layer.bias.tolist() == [-1.0, -1.0]


@pytest.mark.parametrize(
    ("elastic", "options", "words"),
    [
        (dict(widths=WIDTHS), {}, "unknown part 'widths'"),
        (dict(stage_widths=["x120"]), {}, "unknown choice 'x120'"),
        (dict(stage_widths=[WIDTHS] * 3), {}, "operations of 5 layers, got 3 lists"),
        (dict(stage_depths=["d1", "d2", "d3"]), {}, "d3 asks for more than the 2 blocks"),
        (dict(stage_widths=WIDTHS), {"backbone.shuffle": "interleave"}, "shuffle='braided'"),
        (dict(pyramid_width=["x50", "x75"]), {"neck.norm_cfg.num_groups": 2}, "no multiple of"),
        (dict(semantic_width=["x25", "x100"]), {}, "ratio of 16 leaves nothing of 8 channels"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(elastic, options, words):
    with pytest.raises((InputError, ArchError)) as error:
        MODELS.build(elastic_config(elastic, **options).model)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
