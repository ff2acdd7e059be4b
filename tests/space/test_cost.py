"""Cost by arithmetic against counting on built networks, known figures and brute force."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from torch import nn

from mmpanonas.errors import InputError
from mmpanonas.space import (
    BACKBONE_CHOICES,
    HEAD_CHOICES,
    PART_CHOICES,
    Arch,
    ArchError,
    Budget,
    BudgetError,
    Cost,
    NetworkShape,
    Part,
    SearchSpace,
    backbone_cost,
    check_counted,
    cost_range,
    network_cost,
    space_of,
    uncounted,
)
from tests.counting import (
    CONFIGS,
    build,
    counted_macs,
    counted_params,
    deformable_shapes,
    modules_of,
)
from tests.reference import FOLDER

SEARCH, RETRAIN = (48, 96, 240, 480, 960), (72, 172, 432, 864, 1728)
PUBLISHED = {name: Arch.load(CONFIGS / "archs" / f"{name}.json") for name in ("coco", "ade20k")}
SMALL = NetworkShape(channels=(4, 6, 10, 12, 20), blocks=(1, 2, 1, 1))


def random_arch(blocks: tuple[int, ...], seed: int = 0) -> Arch:
    space = SearchSpace([Part("backbone", sum(blocks))])
    return space.sample(np.random.default_rng(seed))


def whole_arch(seed: int) -> Arch:
    """All five parts of the shapes network."""
    layers = dict(zip(PART_CHOICES, (10, 2, 1, 4, 5), strict=True))
    space = SearchSpace(Part(name, count) for name, count in layers.items())
    return space.sample(np.random.default_rng(seed))


def every_arch(blocks: tuple[int, ...]) -> list[Arch]:
    return [Arch(row) for row in itertools.product(BACKBONE_CHOICES, repeat=sum(blocks))]


# Of the published backbones at 224 x 224.


@pytest.mark.parametrize(
    ("name", "channels", "gmacs"),
    [
        ("coco", SEARCH, 1.153),
        ("coco", RETRAIN, 3.572),
        ("ade20k", SEARCH, 1.244),
        ("ade20k", RETRAIN, 3.843),
    ],
)
def test_published_architectures_cost_what_spec_says(name, channels, gmacs):
    cost = backbone_cost(PUBLISHED[name], NetworkShape(channels=channels))
    assert round(cost.macs / 1e9, 3) == gmacs


@pytest.mark.parametrize(
    ("channels", "low", "high"), [(SEARCH, 0.967, 1.486), (RETRAIN, 3.043, 4.614)]
)
def test_the_space_spans_what_spec_says(channels, low, high):
    bounds = cost_range(NetworkShape(channels=channels))
    assert [round(bound / 1e9, 3) for bound in bounds] == [low, high]


def test_backbone_equals_the_released_code_to_the_last_unit():
    if not (FOLDER / "macs.json").exists():
        pytest.skip("reference figures absent: macs.json")
    released = json.loads((FOLDER / "macs.json").read_text())
    for dataset, name in (("COCO", "coco"), ("ADE", "ade20k")):
        for channels in (SEARCH, RETRAIN):
            figures = released[f"{dataset}_{channels[0]}"]
            cost = backbone_cost(PUBLISHED[name], NetworkShape(channels=channels))
            assert cost == Cost(figures["macs_conv"], figures["params"])


# Counting on the built network


@pytest.fixture(autouse=True)
def _deformable_shapes():
    with deformable_shapes():
        yield


@pytest.mark.parametrize(
    ("config", "arch", "size"),
    [
        ("ablations/backbone_only.py", random_arch((2, 2, 4, 2), seed=0), (96, 160)),
        ("ablations/backbone_only.py", random_arch((2, 2, 4, 2), seed=1), (97, 161)),
        ("shapes/retrain.py", whole_arch(seed=2), (35, 131)),
        ("coco/supernet.py", PUBLISHED["coco"], (800, 1344)),
        ("coco/retrain.py", PUBLISHED["ade20k"], (75, 130)),
        ("coco/retrain.py", PUBLISHED["coco"], (800, 1333)),
        ("ade20k/retrain.py", PUBLISHED["ade20k"], (512, 683)),
        ("coco/released_retrain.py", PUBLISHED["coco"], (800, 1333)),
        ("shapes/supernet.py", whole_arch(seed=0), (96, 160)),
        ("shapes/supernet.py", whole_arch(seed=1), (97, 161)),
    ],
)
def test_cost_equals_counting_on_the_built_network(config, arch, size):
    check_by_counting(*build(config, arch), arch, size)


def test_cost_follows_every_width_of_the_config():
    arch = random_arch((1, 2, 1, 3))
    widths = {
        "backbone.channels": (6, 10, 18, 30, 44),
        "backbone.blocks": (1, 2, 1, 3),
        "neck.in_channels": [10, 18, 30, 44],
        "neck.out_channels": 24,
        "rpn_head.in_channels": 24,
        "rpn_head.feat_channels": 40,
        "rpn_head.anchor_generator.scales": [2, 4],
        "rpn_head.anchor_generator.ratios": [0.25, 0.5, 1.0, 2.0, 4.0],
        "roi_head.bbox_head.in_channels": 24,
        "roi_head.bbox_head.fc_out_channels": 52,
        "roi_head.bbox_head.num_classes": 11,
        "roi_head.mask_head.num_convs": 3,
        "roi_head.mask_head.in_channels": 24,
        "roi_head.mask_head.conv_out_channels": 56,
        "roi_head.mask_head.num_classes": 11,
        "semantic_head.in_channels": 24,
        "semantic_head.channels": 32,
        "semantic_head.num_layers": 2,
        "semantic_head.num_stuff_classes": 7,
        "test_cfg.rpn.max_per_img": 9,
        "test_cfg.rcnn.max_per_img": 5,
    }
    model, shape = build("ablations/backbone_only.py", arch, **widths)
    assert (shape.num_anchors, shape.box_rois, shape.mask_rois) == (10, 9, 5)
    check_by_counting(model, shape, arch, (96, 130))


def check_by_counting(
    model: nn.Module, shape: NetworkShape, arch: Arch, size: tuple[int, int]
) -> None:
    cost = network_cost(arch, shape, size)
    params = {name: counted_params(part) for name, part in modules_of(model).items()}
    assert {name: c.params for name, c in cost.items()} == params
    assert sum(params.values()) == counted_params(model)
    assert {name: c.macs for name, c in cost.items()} == counted_macs(model, shape, size)


@pytest.mark.parametrize("config", ["shapes/supernet.py", "ablations/backbone_only.py"])
def test_a_path_of_the_supernet_costs_what_its_fixed_network_does(config):
    model, shape = build(config, None)
    for seed in range(3):
        arch = model.search_space.sample(np.random.default_rng(seed))
        model.set_arch(arch)
        counted = counted_macs(model, shape, (64, 96))
        assert counted == {n: c.macs for n, c in network_cost(arch, shape, (64, 96)).items()}


@pytest.mark.parametrize("choice", HEAD_CHOICES)
def test_each_operation_of_the_heads_is_counted(choice):
    arch = whole_arch(0).replace(mask_head=(choice,) * 2, semantic_head=(choice,))
    check_by_counting(*build("shapes/supernet.py", arch), arch, (64, 96))


def test_released_ratios_are_counted():
    options = {}
    for part in ("things_to_stuff", "stuff_to_things"):
        options |= {f"{part}.ratios": dict(r4=4, r8=8, r16=6), f"{part}.allow_remainder": True}
    arch = whole_arch(0).replace(things_to_stuff=("r16",) * 4, stuff_to_things=("r16",) * 5)
    model, shape = build("shapes/supernet.py", arch, **options)
    assert shape.things_to_stuff_ratios == shape.stuff_to_things_ratios == (4, 8, 6)
    check_by_counting(model, shape, arch, (64, 96))


def test_widths_come_from_the_model_config():
    small = Config.fromfile(CONFIGS / "shapes" / "supernet.py", import_custom_modules=False)
    assert NetworkShape.of_model(small.model) == NetworkShape(
        channels=(16, 24, 48, 96, 160),
        blocks=(2, 2, 4, 2),
        neck_channels=32,
        num_things=6,
        num_stuff=4,
        fc_channels=256,
        mask_channels=32,
        mask_layers=2,
        semantic_channels=32,
        semantic_layers=1,
        rpn_channels=32,
        num_anchors=3,
        box_rois=100,
        mask_rois=20,
    )
    full = Config.fromfile(CONFIGS / "coco" / "supernet.py", import_custom_modules=False)
    assert NetworkShape.of_model(full.model) == NetworkShape.of_model({}) == NetworkShape()


def test_an_architecture_of_another_depth_is_refused():
    with pytest.raises(ArchError, match="backbone: expected 40 choices, got 5"):
        backbone_cost(random_arch((1, 2, 1, 1)))


@pytest.mark.parametrize("part", list(PART_CHOICES))
def test_a_part_of_another_depth_is_refused(part):
    _, shape = build("shapes/supernet.py", None)
    arch = whole_arch(0)
    longer = (*getattr(arch, part), getattr(arch, part)[0])
    with pytest.raises(ArchError, match=f"{part}: expected .* choices, got {len(longer)}"):
        network_cost(arch.replace(**{part: longer}), shape)


def test_costs_add_up():
    assert sum([Cost(1, 2), Cost(30, 40)]) == Cost(31, 42)


# Ranges and budgets against brute force over all 4^5 architectures of a small space


@pytest.mark.parametrize("quantity", ["macs", "params"])
@pytest.mark.parametrize("size", [(64, 64), (31, 97)])
def test_range_is_that_of_all_architectures(quantity, size):
    costs = [getattr(backbone_cost(a, SMALL, size), quantity) for a in every_arch(SMALL.blocks)]
    assert cost_range(SMALL, size, quantity) == (min(costs), max(costs))


@pytest.mark.parametrize("quantity", ["macs", "params"])
@pytest.mark.parametrize("scope", ["backbone", "network"])
def test_a_budget_is_reachable_from_the_cheapest_architecture_on(quantity, scope):
    space = SearchSpace([Part("backbone", sum(SMALL.blocks))])
    budget = Budget(quantity, 0, scope, size=(32, 48))
    least = min(budget.measure.of(arch, SMALL) for arch in every_arch(SMALL.blocks))
    Budget(quantity, least, scope, size=(32, 48)).check_reachable(space, SMALL)
    with pytest.raises(BudgetError) as caught:
        Budget(quantity, least - 1, scope, size=(32, 48)).check_reachable(space, SMALL)
    what = {"macs": f"MACs of the {scope} at 32x48", "params": f"parameters of the {scope}"}
    assert str(caught.value) == (
        f"no architecture meets the budget: {what[quantity]} may be "
        f"{least - 1:,} at most, the cheapest has {least:,}; raise the limit or narrow the network"
    )


@pytest.mark.parametrize("quantity", ["macs", "params"])
def test_the_cheapest_network_is_cheapest_in_every_part(quantity):
    """Attention: r16. Heads: dw_3x3. Compared with one change in any layer."""
    space = SearchSpace(Part(n, c) for n, c in zip(PART_CHOICES, (5, 4, 3, 4, 5), strict=True))
    budget = Budget(quantity, 0, "network", size=(64, 64))
    best = budget.measure.cheapest(space, SMALL)
    assert set(best.mask_head + best.semantic_head) == {"dw_3x3"}
    assert set(best.things_to_stuff + best.stuff_to_things) == {"r16"}
    least, codes = budget.measure.of(best, SMALL), space.encode(best)
    for layer, count in enumerate(space.num_choices):
        for code in range(count):
            changed = codes.copy()
            changed[layer] = code
            assert budget.measure.of(space.decode(changed), SMALL) >= least
    Budget(quantity, least, "network", size=(64, 64)).check_reachable(space, SMALL)
    with pytest.raises(BudgetError, match=f"the cheapest has {least:,}"):
        Budget(quantity, least - 1, "network", size=(64, 64)).check_reachable(space, SMALL)


def test_a_fixed_part_is_not_made_cheaper():
    fixed = ("shuffle_7x7",) * sum(SMALL.blocks)
    space = SearchSpace([Part("backbone", sum(SMALL.blocks), fixed=fixed)])
    cost = backbone_cost(Arch(fixed), SMALL).macs
    assert cost > cost_range(SMALL)[0]
    with pytest.raises(BudgetError, match=f"the cheapest has {cost:,}"):
        Budget("macs", cost - 1).check_reachable(space, SMALL)


def test_scopes_and_quantities_of_a_budget():
    arch = PUBLISHED["coco"]
    parts = network_cost(arch, size=(320, 480))
    assert sum(parts.values()).macs > 2 * parts["backbone"].macs
    for quantity in ("macs", "params"):
        whole, backbone = (getattr(c, quantity) for c in (sum(parts.values()), parts["backbone"]))
        for scope, cost in (("network", whole), ("backbone", backbone)):
            budget = Budget(quantity, cost, scope, size=(320, 480))
            assert budget.measure.of(arch, NetworkShape()) == cost
            assert budget.allows(arch, NetworkShape())
            assert not Budget(quantity, cost - 1, scope, (320, 480)).allows(arch, NetworkShape())


def test_a_budget_counts_the_backbone_at_imagenet_size_unless_told():
    assert Budget("macs", 1.2e9).allows(PUBLISHED["coco"], NetworkShape())  # 1.153 G
    assert not Budget("macs", 1.2e9).allows(PUBLISHED["ade20k"], NetworkShape())  # 1.244 G


@pytest.mark.parametrize(
    "options",
    [
        {"roi_head.bbox_head.reg_class_agnostic": True, "roi_head.mask_head.class_agnostic": True},
        {
            "roi_head.bbox_head.roi_feat_size": 5,
            "roi_head.bbox_roi_extractor.roi_layer.output_size": 5,
            "roi_head.mask_roi_extractor.roi_layer.output_size": 10,
        },
        {"rpn_head.loss_cls.use_sigmoid": False, "neck.norm_cfg": None},
        {"roi_head.bbox_head.type": "Shared2FCGNBBoxHead"},
    ],
)
def test_variants_of_the_modules_are_counted(options):
    arch = whole_arch(seed=3)
    check_by_counting(*build("shapes/supernet.py", arch, **options), arch, (96, 160))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"neck.type": "PAFPN"}, "model.neck.type is 'PAFPN'; only FPN can be counted"),
        ({"neck.add_extra_convs": "on_input"}, "model.neck.add_extra_convs is 'on_input'"),
        ({"rpn_head.num_convs": 2}, "model.rpn_head.num_convs is 2; only 1 is counted"),
        ({"roi_head.mask_head.upsample_cfg": dict(type="bilinear")}, "upsample_cfg.type is"),
        ({"roi_head.mask_head.norm_cfg": None}, "model.roi_head.mask_head.norm_cfg is None"),
        ({"semantic_head.num_levels": 3}, "model.semantic_head.num_levels is 3; only 4"),
    ],
)
def test_what_cannot_be_counted_is_named(changes, reason):
    config = Config.fromfile(CONFIGS / "shapes/supernet.py", import_custom_modules=False)
    assert uncounted(config.model) == ""
    config.merge_from_dict({f"model.{key}": value for key, value in changes.items()})
    assert reason in uncounted(config.model)
    assert uncounted(config.model, "backbone") == ""
    with pytest.raises(InputError, match=r"a budget asks for the cost of the network, but model\."):
        check_counted(config.model, "network", "a budget")


SHIPPED = sorted(path.relative_to(CONFIGS).as_posix() for path in CONFIGS.glob("*/*.py"))


@pytest.mark.parametrize("path", [p for p in SHIPPED if not p.startswith(("imagenet", "custom"))])
def test_the_space_of_a_config_is_that_of_its_network(path):
    config = Config.fromfile(CONFIGS / path, import_custom_modules=False)
    arch = config.model.get("arch")
    archs = CONFIGS / "archs"
    if isinstance(arch, str):  # the search has not written it yet
        arch = archs / Path(arch).name if (archs / Path(arch).name).exists() else None
    config.model.arch = arch
    model, _ = build(path, arch)
    assert space_of(config.model).parts == space_of(model).parts == model.search_space.parts


def test_the_space_of_a_model_whose_parts_are_whole_or_fixed():
    whole = {"things_to_stuff.whole": True, "stuff_to_things.whole": True}
    for arch in (None, whole_arch(seed=1).replace(things_to_stuff=())):
        model, _ = build("shapes/supernet.py", arch, **whole)
        config = Config.fromfile(CONFIGS / "shapes/supernet.py", import_custom_modules=False)
        config.merge_from_dict({f"model.{key}": value for key, value in whole.items()})
        config.model.arch = arch
        assert space_of(config.model).parts == model.search_space.parts
