"""A network for stuff alone, or for things alone: what it learns from, what it predicts."""

import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate

from mmpanonas.config import built, load_config, settle_classes
from mmpanonas.space import Arch, NetworkShape, network_cost
from tests.conftest import SHAPES, SMALL, shapes_arch


@pytest.fixture(scope="module")
def settled(shapes_root):
    """A function (classes) -> the config of any data set, with these chosen."""

    def settled(classes, arch=None):
        places = (f"{name}_dataloader.dataset.metainfo" for name in ("train", "val"))
        names = {place: dict(classes=classes) for place in places}
        options = SMALL | names | {"data_root": str(shapes_root)}
        cfg = load_config(SHAPES / "../custom/retrain.py", options)
        cfg.model.arch = arch
        settle_classes(cfg, ("train_dataloader", "val_dataloader"))
        return cfg

    return settled


@pytest.fixture(scope="module")
def known(shapes_root):
    cfg = load_config(SHAPES / "retrain.py", {"data_root": str(shapes_root)})
    return built(cfg.train_dataloader.dataset).metainfo


def build(cfg):
    torch.manual_seed(0)
    return MODELS.build(cfg.model)


def batch(model, cfg, loader="train_dataloader"):
    dataset = DATASETS.build(cfg[loader].dataset)
    data = pseudo_collate([dataset[0], dataset[1]])
    return model.data_preprocessor(data, training=loader.startswith("train"))


def gradients(model, losses):
    sum(sum(v) if isinstance(v, list) else v for k, v in losses.items() if "loss" in k).backward()
    return {name: p.grad for name, p in model.named_parameters() if p.requires_grad}


IDLE = ("rpn_head", "roi_head", "stuff_to_things")


def test_stuff_alone_is_learnt_by_the_stuff_branch_alone(settled, known):
    cfg = settled(known["stuff_classes"], shapes_arch().to_dict())
    model = build(cfg)
    data = batch(model, cfg)
    losses = model.loss(data["inputs"], data["data_samples"])
    assert losses.keys() == {"loss_seg", "loss_idle"}
    assert losses["loss_idle"].item() == 0 < losses["loss_seg"].item()
    found = gradients(model, losses)
    assert None not in found.values(), "ranks wait for the gradient of every weight"
    for name, gradient in found.items():
        if name.startswith(IDLE):
            assert not gradient.any(), name
    assert found["semantic_head.conv_logits.weight"].any()


@torch.no_grad()
def test_stuff_alone_is_predicted_as_the_logits_say(settled, known):
    cfg = settled(known["stuff_classes"], shapes_arch().to_dict())
    cfg.model.test_cfg.panoptic.stuff_area_limit = 100
    model = build(cfg).eval()
    model.semantic_head.conv_logits.weight.mul_(1000)
    data = batch(model, cfg, "val_dataloader")
    x = model.features(data["inputs"])
    metas = [sample.metainfo for sample in data["data_samples"]]
    logits = model.semantic_head.predict(x, metas, rescale=True)
    found = model.predict(data["inputs"], data["data_samples"])
    for sample, channels in zip(found, logits, strict=True):
        expected = channels.argmax(0)  # the fifth channel, "some thing", is void
        for label in range(4):
            if (expected == label).sum() < 100:
                expected[expected == label] = 4
        assert torch.equal(sample.pred_panoptic_seg.sem_seg[0].long(), expected)


def test_things_alone_are_learnt_by_the_thing_branch(settled, known):
    """One channel, "some thing", is always right: its loss and its gradients are exactly 0."""
    cfg = settled(known["thing_classes"], shapes_arch().to_dict())
    model = build(cfg)
    data = batch(model, cfg)
    losses = model.loss(data["inputs"], data["data_samples"])
    assert losses["loss_seg"].item() == 0
    found = gradients(model, losses)
    assert None not in found.values()
    assert not found["semantic_head.conv_logits.weight"].any()
    assert found["roi_head.bbox_head.fc_cls.weight"].any()


@torch.no_grad()
def test_things_alone_are_predicted_among_void(settled, known):
    cfg = settled(known["thing_classes"], shapes_arch().to_dict())
    cfg.model.test_cfg.rcnn.score_thr = 0.0
    cfg.model.test_cfg.panoptic.update(score_thr=0.0, thing_area_limit=0, stuff_area_limit=0)
    model = build(cfg).eval()
    data = batch(model, cfg, "val_dataloader")
    for sample in model.predict(data["inputs"], data["data_samples"]):
        found = sample.pred_panoptic_seg.sem_seg
        assert ((found == 6) | (found // 1000 > 0)).all()
        assert (found % 1000).max() <= 6
        assert (found // 1000).max() > 0


@pytest.mark.parametrize("kind", ["thing_classes", "stuff_classes"])
def test_a_batch_of_void_alone_has_finite_losses_and_gradients(settled, known, kind):
    cfg = settled(known[kind], shapes_arch().to_dict())
    model = build(cfg)
    data = batch(model, cfg)
    for sample in data["data_samples"]:
        sample.gt_instances = sample.gt_instances[:0]
        sample.gt_sem_seg.sem_seg[:] = 255
    losses = model.loss(data["inputs"], data["data_samples"])
    for name, gradient in gradients(model, losses).items():
        assert gradient is None or gradient.isfinite().all(), name
    assert losses["loss_seg"].item() == 0


def test_the_space_and_the_cost_stay(settled, known):
    """What idles is built, and counted, as for one class."""
    cfg = settled(known["stuff_classes"])
    model = build(cfg)
    assert model.search_space.size == 4**10 * 6**3 * 3**9
    fixed = build(settled(known["stuff_classes"], shapes_arch().to_dict()))
    cost = network_cost(Arch.load(shapes_arch()), NetworkShape.of_model(cfg.model), (64, 64))
    for part in ("mask_head", "bbox_head"):
        module = getattr(fixed.roi_head, part)
        assert cost[part].params == sum(p.numel() for p in module.parameters())
