"""What a plain detector's heads, data sets and checkpoint must agree on; files of instances."""

import json
from pathlib import Path

import pytest
from mmengine.config import Config, ConfigDict

from mmpanonas.config import ConfigError, load_config, settle_classes
from mmpanonas.config.check import check_files
from mmpanonas.datasets.annotations.instances import check_instances, read_instances
from mmpanonas.datasets.nas_split import split_nas
from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import read_panoptic_png
from tests.detectors.conftest import CONFIGS


@pytest.fixture
def config(small) -> Config:
    return load_config(CONFIGS / "shapes_retinanet_supernet.py", small)


@pytest.fixture
def changed(boxes_root, tmp_path):
    """A function that writes a changed copy of the validation's instances."""

    def write(change) -> str:
        content = read_instances(boxes_root / "annotations/instances_val.json")
        change(content)
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(content))
        return str(path)

    return write


def test_instances_are_the_things_of_the_panoptic_map(boxes_root):
    annotations = boxes_root / "annotations"
    panoptic = json.loads((annotations / "panoptic_val.json").read_text())
    things = {each["id"]: each["name"] for each in panoptic["categories"] if each["isthing"]}
    content = read_instances(annotations / "instances_val.json")
    assert {each["id"]: each["name"] for each in content["categories"]} == things
    assert [each["id"] for each in content["annotations"]] == [
        number + 1 for number in range(len(content["annotations"]))
    ]
    found = {(each["image_id"], each["area"], *each["bbox"]) for each in content["annotations"]}
    expected = set()
    for entry in panoptic["annotations"]:
        ids = read_panoptic_png(annotations / "panoptic_val" / entry["file_name"])
        for segment in entry["segments_info"]:
            if segment["category_id"] in things:
                ys, xs = (ids == segment["id"]).nonzero()
                box = xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1
                expected.add((entry["image_id"], len(xs), *map(float, box)))
    assert found == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.pop("categories"), "has no list of categories"),
        (lambda c: c["annotations"][1].pop("iscrowd"), r"annotations\[1\] lacks iscrowd"),
        (lambda c: c["annotations"][0].update(image_id=-1), r"image_id is -1, which is none"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 3]), "expected x, y, width, height"),
        (lambda c: c["images"][0].update(width=9), "says 9 x 64 of val_000000.jpg, which is 64"),
        (lambda c: c["images"].append(c["images"][0]), "has two images of id"),
        (lambda c: c["images"][0].update(file_name="a.jpg"), "a.jpg' does not exist"),
    ],
)
def test_a_wrong_file_of_instances_is_refused(boxes_root, changed, change, words):
    path = changed(change)
    with pytest.raises(InputError, match=words):
        check_instances(path, str(boxes_root / "images/val"), Path(path).read_bytes())


def test_a_file_is_checked_as_the_config_names_it(config):
    dataset = config.val_dataloader.dataset
    check_files(dataset, needs_segments=True)
    dataset.data_prefix.img = "images/val"  # those of nas_val are elsewhere
    with pytest.raises(InputError, match="does not exist"):
        check_files(dataset, needs_segments=True)


def test_classes_are_the_same_everywhere(config):
    settle_classes(config, ("train_dataloader", "val_dataloader"))
    names = config.train_dataloader.dataset.metainfo.classes
    meta = dict(classes=names)
    settle_classes(config, ("train_dataloader",), meta, "the checkpoint x")
    with pytest.raises(ConfigError, match=r"the checkpoint x has 2 classes \(disc, cat\)"):
        settle_classes(
            config, ("train_dataloader",), dict(classes=("disc", "cat")), "the checkpoint x"
        )
    config.model.bbox_head.num_classes = 5
    with pytest.raises(ConfigError, match=r"RetinaHead\.num_classes is 5, but .* has 6 classes"):
        settle_classes(config, ("train_dataloader",))


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (("square", "disc"), "lists them in another order"),
        (("disc", "cat"), r"lacks 1 classes \(cat\) of them"),
    ],
)
def test_classes_that_cocodataset_would_mix_up_are_refused(config, classes, words):
    config.train_dataloader.dataset.metainfo = ConfigDict(classes=classes)
    with pytest.raises(ConfigError, match=words):
        settle_classes(config, ("train_dataloader",))


def test_class_counts_are_filled_in(small):
    config = load_config(
        CONFIGS / "shapes_retinanet_supernet.py", small | {"model.bbox_head.num_classes": None}
    )
    assert config.model.bbox_head.num_classes == 6


def test_a_split_of_instances_is_that_of_the_panoptic_file(boxes_root, tmp_path):
    source = boxes_root / "annotations/instances_train.json"
    (tmp_path / source.name).write_bytes(source.read_bytes())
    parts = split_nas(tmp_path / source.name, 4)
    assert [path.name for path in parts] == ["instances_nas_train.json", "instances_nas_val.json"]
    contents = list(map(read_instances, parts))
    pictures = [{each["id"] for each in content["images"]} for content in contents]
    assert list(map(len, pictures)) == [8, 4]
    assert not pictures[0] & pictures[1]
    for content, own in zip(contents, pictures, strict=True):
        assert {each["image_id"] for each in content["annotations"]} <= own
    count = len(read_instances(source)["annotations"])
    assert sum(len(content["annotations"]) for content in contents) == count
