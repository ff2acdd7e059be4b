"""One list of classes, by name, for the model, the checkpoint and all data sets of a config."""

import copy
import json
import shutil
from functools import lru_cache

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmdet.registry import DATASETS

from mmpanonas.cli import follow_checkpoint
from mmpanonas.config import (
    annotation_paths,
    built,
    check_experiment,
    class_slots,
    complete_category_ids,
    datasets_of,
    fill_classes,
    load_config,
    settle_classes,
)
from mmpanonas.datasets import Classes
from mmpanonas.errors import InputError
from tests.conftest import SHAPES

CUSTOM = SHAPES / "../custom/supernet.py"
LOADERS = ("train_dataloader", "val_dataloader")


@pytest.fixture(scope="module")
def root(shapes_root, tmp_path_factory):
    """A data set whose annotation files may be changed."""
    root = tmp_path_factory.mktemp("classes")
    shutil.copytree(shapes_root / "annotations", root / "annotations")
    (root / "images").symlink_to(shapes_root / "images")
    return root


@pytest.fixture
def write(root, shapes_root):
    """A function (split, change) that writes an annotation file anew."""

    def write(split, change=lambda content: None):
        name = f"annotations/panoptic_{split}.json"
        content = json.loads((shapes_root / name).read_text())
        change(content)
        (root / name).write_text(json.dumps(content))

    yield write
    for name in ("nas_train", "nas_val", "train", "val"):
        write(name)


@lru_cache
def loaded(root):
    return load_config(CUSTOM, {"data_root": str(root)})


def config(root, **options):
    """The config of any data set, read once: reading takes longer than the test."""
    cfg = copy.deepcopy(loaded(root))
    for part, key, _ in class_slots(cfg.model):
        part[key] = None
    cfg.merge_from_dict(options)
    fill_classes(cfg)
    return cfg


def names_of(dataset_config, root, split):
    """What each segment is called by its label, and in the annotation file."""
    dataset = DATASETS.build(dict(dataset_config, pipeline=[], test_mode=True))
    content = json.loads((root / f"annotations/panoptic_{split}.json").read_text())
    named = {c["id"]: c["name"] for c in content["categories"]}
    written = {
        (a["image_id"], s["id"]): named[s["category_id"]]
        for a in content["annotations"]
        for s in a["segments_info"]
    }
    names = dataset.metainfo["classes"]
    read = {
        (item["img_id"], s["id"]): names[s["category"]]
        for item in map(dataset.get_data_info, range(len(dataset)))
        for s in item["segments_info"]
    }
    return read, written


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(10)), trained=st.permutations(range(10)), tested=st.booleans())
def test_labels_follow_names_in_any_order(root, write, order, trained, tested):
    """The labels of nas_val are those of the checkpoint, or of nas_train, whatever its order."""
    write("nas_val", lambda c: c.update(categories=[c["categories"][i] for i in order]))
    cfg = config(root)
    home = built(cfg.train_dataloader.dataset).metainfo
    if tested:
        names = [home["classes"][i] for i in trained]
        things = tuple(name for name in names if name in home["thing_classes"])
        stuff = tuple(name for name in names if name not in things)
        colours = dict(zip(home["classes"], home["palette"], strict=True))
        home = Classes(things, stuff).meta()
        home["palette"] = [colours[name] for name in things + stuff]
    settle_classes(cfg, LOADERS, home if tested else None)
    for dataset in datasets_of(cfg, LOADERS):
        meta = built(dataset).metainfo
        for key in ("classes", "thing_classes", "stuff_classes", "palette"):
            assert list(meta[key]) == list(home[key]), key
    read, written = names_of(cfg.val_dataloader.dataset, root, "nas_val")
    assert read == written


def test_a_config_whose_data_agree_stays_as_it_is(root):
    cfg = config(root)
    before = cfg.pretty_text
    settle_classes(cfg)
    assert cfg.pretty_text == before


def rename(content):
    content["categories"][0]["name"] = "disk"


def divide(content):
    content["categories"][0]["isthing"] = 0


@pytest.mark.parametrize("split", ["nas_train", "nas_val"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rename, r"things \['disk'\] only in .*\['disc'\] only in the checkpoint"),
        (divide, r"things \[\] only in .*\['disc'\] only in .*; stuff \['disc'\] only in "),
        (lambda c: c["categories"].pop(0), r"the checkpoint has 6 and 4: .* \['disc'\] only in "),
    ],
)
def test_other_classes_are_refused(root, write, split, change, message):
    trained = built(config(root).train_dataloader.dataset).metainfo

    def changed(content):
        change(content)
        known = {c["id"] for c in content["categories"]}
        for entry in content["annotations"]:
            entry["segments_info"] = [
                s for s in entry["segments_info"] if s["category_id"] in known
            ]

    write(split, changed)
    cfg = config(root, **{"model.roi_head.bbox_head.num_classes": 6})
    with pytest.raises(InputError, match=rf"{split}\.json has .*{message}"):
        settle_classes(cfg, LOADERS, trained)


def test_a_recalibration_set_needs_no_choice_of_its_own(root):
    """Only its pictures are read, so that its file may know more."""
    chosen = {"classes": ("disc", "grass")}
    options = {f"{loader}.dataset.metainfo": chosen for loader in LOADERS}
    cfg = config(root, **options)
    settle_classes(cfg, LOADERS)
    found = {built(d).metainfo["classes"] for d in datasets_of(cfg, LOADERS)}
    assert found == {("disc", "grass")}
    assert len(list(datasets_of(cfg, LOADERS))) == 3
    assert cfg.model.roi_head.mask_head.num_classes == 1
    assert cfg.model.semantic_head.num_stuff_classes == 1


def test_what_a_choice_leaves_out_is_void(root):
    meta = {"classes": ("square", "disc", "sand")}
    cfg = config(root, **{"train_dataloader.dataset.metainfo": meta})
    read, written = names_of(cfg.train_dataloader.dataset, root, "nas_train")
    assert read == {key: name for key, name in written.items() if name in meta["classes"]}
    assert len(read) < len(written)


def test_data_sets_that_are_read_as_one_agree(root, write):
    """Orders and ids differ; names are the same."""

    def other(content):
        content["categories"].reverse()
        for category in content["categories"]:
            category["id"] += 100
        for entry in content["annotations"]:
            for segment in entry["segments_info"]:
                segment["category_id"] += 100

    write("nas_val", other)
    cfg = config(root)
    joined = [cfg.train_dataloader.dataset, cfg.val_dataloader.dataset]
    cfg.train_dataloader.dataset = dict(type="ConcatDataset", datasets=joined)
    settle_classes(cfg, ("train_dataloader",))
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert dataset.datasets[0].metainfo == dataset.datasets[1].metainfo
    assert len(dataset) == 12
    read, written = names_of(cfg.train_dataloader.dataset.datasets[1], root, "nas_val")
    assert read == written
    write("nas_val", rename)
    cfg.train_dataloader.dataset.datasets[1].pop("metainfo")
    with pytest.raises(InputError, match=r"nas_val\.json has .*'disk'.*only in"):
        settle_classes(cfg, ("train_dataloader",))


def test_counts_are_those_of_the_names(root, write):
    cfg = config(root, **{"model.semantic_head.num_stuff_classes": 5})
    with pytest.raises(InputError, match=r"num_stuff_classes is 5, but .*nas_train.json has 4"):
        settle_classes(cfg, LOADERS)


def test_a_file_for_testing_takes_what_the_checkpoint_knows(root, write):
    """COCO's test-dev lists things only, without isthing."""
    trained = built(config(root).train_dataloader.dataset).metainfo

    def bare(content):
        del content["annotations"]
        content["categories"] = content["categories"][3:0:-1]
        for category in content["categories"]:
            del category["isthing"]

    write("nas_val", bare)
    for known in (trained, {k: v for k, v in trained.items() if k != "category_ids"}):
        cfg = config(root)
        settle_classes(cfg, ("test_dataloader",), known)
        complete_category_ids(cfg, "test_dataloader")
        meta = built(cfg.test_dataloader.dataset).metainfo
        assert meta["classes"] == trained["classes"]
        assert tuple(meta["category_ids"]) == trained["category_ids"]
    cfg = config(root)
    for dataset in datasets_of(cfg):
        dataset.ann_file = "annotations/panoptic_nas_val.json"
    settle_classes(cfg, ("test_dataloader",), known)
    with pytest.raises(InputError, match=r"lacks the categories .* neither the checkpoint nor"):
        complete_category_ids(cfg, "test_dataloader")


def test_labels_by_the_files_order_are_compared(root, write):
    """MMDetection's own data set counts labels in the file's order, whatever its classes say."""
    write("nas_val", lambda c: c["categories"].reverse())
    meta = built(config(root).train_dataloader.dataset).metainfo
    meta = {key: meta[key] for key in ("classes", "thing_classes", "stuff_classes")}
    options = {"val_dataloader.dataset.type": "CocoPanopticDataset"}
    cfg = config(root, **options, **{"val_dataloader.dataset.metainfo": meta})
    with pytest.raises(InputError, match=r"counts labels in the file's order .*PanopticDataset"):
        settle_classes(cfg, LOADERS)
    assert annotation_paths(cfg.val_dataloader.dataset)[0].endswith("nas_val.json")


def test_panoptic_fpn_needs_things_and_stuff(root, write):
    def stuff_only(content):
        content["categories"] = [c for c in content["categories"] if not c["isthing"]]

    write("val", stuff_only)
    keys = {"model.roi_head.bbox_head.num_classes": 0}
    cfg = load_config(SHAPES / "../../panoptic_fpn/shapes_r50.py", keys)
    for dataset in datasets_of(cfg):
        dataset.update(data_root=str(root), ann_file="annotations/panoptic_val.json")
    with pytest.raises(InputError, match="0 things and 4 stuff; a PanopticFPN needs both"):
        settle_classes(cfg, LOADERS)


def test_two_configs_of_one_experiment_agree(root, write):
    """A study's networks have its supernet's pictures, scale and classes."""
    supernet = config(root)
    alone = load_config(SHAPES / "../custom/retrain.py", {"data_root": str(root)})
    write("val", lambda c: c["categories"].reverse())
    check_experiment(supernet, alone, "alone.py")
    read, written = names_of(alone.val_dataloader.dataset, root, "val")
    assert read == written
    assert "metainfo" in alone.val_dataloader.dataset
    alone.train_dataloader.dataset.pipeline[2].scale = (640, 480)
    with pytest.raises(InputError, match=r"alone\.py has the scales .*640, 480.*320, 240"):
        check_experiment(supernet, alone, "alone.py")
    alone.train_dataloader.dataset.data_prefix.img = "images/other/"
    with pytest.raises(InputError, match=r"has the pictures for training .*images/other'"):
        check_experiment(supernet, alone, "alone.py")
    write("val", rename)
    alone.val_dataloader.dataset.pop("metainfo")
    with pytest.raises(InputError, match=r"'disk'.* only in the study's training data set"):
        check_experiment(supernet, alone, "alone.py")


def test_a_training_goes_on_with_the_classes_that_it_had(root, write, tmp_path):
    """Resumed or fine-tuned, labels are the checkpoint's; other classes are new ones."""
    meta = dict(built(config(root).train_dataloader.dataset).metainfo)
    write("nas_train", lambda c: c["categories"].reverse())

    def follow(meta, resume):
        torch.save(dict(state_dict={}, meta=dict(dataset_meta=meta)), tmp_path / "iter_1.pth")
        cfg = config(root)
        cfg.load_from, cfg.resume = str(tmp_path / "iter_1.pth"), resume
        settle_classes(cfg, LOADERS)
        follow_checkpoint(cfg, LOADERS)
        return built(cfg.train_dataloader.dataset).metainfo["classes"]

    for resume in (True, False):
        assert follow(meta, resume) == meta["classes"]
    other = {**meta, "classes": ("disc", "grass"), "thing_classes": ("disc",)}
    assert follow(other, False) == built(config(root).train_dataloader.dataset).metainfo["classes"]
    with pytest.raises(InputError, match=r"only in the checkpoint .*iter_1\.pth"):
        follow(other, True)
