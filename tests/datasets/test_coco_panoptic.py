import copy
import json
import pickle

import pytest
from mmdet.datasets import CocoPanopticDataset
from mmdet.registry import DATASETS, TRANSFORMS

from mmpanonas.datasets import LoadPanopticSegments, PanopticDataset, make_palette, read_categories
from mmpanonas.errors import InputError

CONTENT = {
    "images": [
        {"id": 20, "file_name": "b.jpeg", "height": 30, "width": 40},
        {"id": 10, "file_name": "a.jpg", "height": 50, "width": 60},
        {"id": 30, "file_name": "c.jpg", "height": 50, "width": 60},
    ],
    "annotations": [
        {
            "image_id": 10,
            "file_name": "ten.png",
            "segments_info": [
                {"id": 5, "category_id": 9, "area": 12, "bbox": [1, 2, 3, 4], "iscrowd": 0},
                {"id": 6, "category_id": 9, "area": 80, "bbox": [0, 0, 9, 9], "iscrowd": 1},
                {"id": 7, "category_id": 2, "area": 40, "bbox": [0, 0, 8, 8], "iscrowd": 0},
            ],
        },
        {
            "image_id": 20,
            "file_name": "twenty.png",
            "segments_info": [
                {"id": 5, "category_id": 4, "area": 6, "bbox": [1, 1, 2, 3]},
                {"id": 6, "category_id": 4, "area": 0, "bbox": [1, 1, 2, 3]},
                {"id": 7, "category_id": 4, "area": 6, "bbox": [1, 1, 0.5, 3]},
            ],
        },
    ],
    "categories": [
        {"id": 2, "name": "meadow", "isthing": 0},
        {"id": 9, "name": "cow", "isthing": 1},
        {"id": 3, "name": "sky", "isthing": 0},
        {"id": 4, "name": "goat", "isthing": 1},
    ],
}


@pytest.fixture
def content():
    return copy.deepcopy(CONTENT)


@pytest.fixture
def build(tmp_path, content):
    """A function that writes ``content`` and builds a data set on it."""

    def build(**arguments):
        (tmp_path / "panoptic.json").write_text(json.dumps(content))
        prefix = {"img": "pictures/", "seg": "segments/"}
        defaults = {"data_root": str(tmp_path), "data_prefix": prefix, "serialize_data": False}
        return PanopticDataset(**{"ann_file": "panoptic.json", **defaults, **arguments})

    return build


def test_registered():
    assert DATASETS.get("PanopticDataset") is PanopticDataset
    assert TRANSFORMS.get("LoadPanopticSegments") is LoadPanopticSegments


def test_hand_made_file(build, tmp_path):
    dataset = build()
    assert dataset.metainfo["classes"] == ("cow", "goat", "meadow", "sky")
    assert dataset.metainfo["thing_classes"] == ("cow", "goat")
    assert dataset.metainfo["stuff_classes"] == ("meadow", "sky")
    assert dataset.cat2label == {9: 0, 4: 1, 2: 2, 3: 3}
    assert [dataset[i]["img_id"] for i in range(3)] == [20, 10, 30]
    ten = dataset[1]
    assert ten["img_path"] == str(tmp_path / "pictures/a.jpg")
    assert ten["seg_map_path"] == str(tmp_path / "segments/ten.png")
    assert (ten["height"], ten["width"]) == (50, 60)
    assert ten["instances"] == [{"bbox": [1, 2, 4, 6], "bbox_label": 0, "ignore_flag": 0}]
    assert ten["segments_info"] == [
        {"id": 5, "category": 0, "is_thing": True},
        {"id": 6, "category": 0, "is_thing": False},
        {"id": 7, "category": 2, "is_thing": False},
    ]
    assert "void_ids" not in ten


def test_segments_without_area_are_void(build):
    twenty = build()[0]
    assert [segment["id"] for segment in twenty["segments_info"]] == [5]
    assert twenty["void_ids"] == [6, 7]


def test_image_without_annotation(build):
    assert build()[2]["segments_info"] == []
    assert build()[2]["seg_map_path"] is None
    kept = build(filter_cfg={"filter_empty_gt": True})
    assert [kept[i]["img_id"] for i in range(len(kept))] == [20, 10]


def test_file_without_annotations(build, content):
    del content["annotations"]
    dataset = build(test_mode=True)
    assert [dataset[i]["instances"] for i in range(len(dataset))] == [[], [], []]
    assert dataset.metainfo["thing_classes"] == ("cow", "goat")
    inference = build(metainfo={"classes": ("gnu", "fog"), "thing_classes": ("gnu",)})
    assert inference.metainfo["stuff_classes"] == ("fog",)


def test_categories_without_isthing_take_the_classes_that_are_given(build, content):
    del content["annotations"]
    for category in content["categories"]:
        del category["isthing"]
    with pytest.raises(InputError, match="come from the checkpoint"):
        build()
    chosen = {"classes": ("goat", "sky", "fog"), "thing_classes": ("goat",)}
    dataset = build(metainfo=chosen, test_mode=True)
    assert dataset.metainfo["stuff_classes"] == ("sky", "fog")
    assert "category_ids" not in dataset.metainfo  # the file does not know the fog


def test_category_ids_go_by_label(build):
    assert build().metainfo["category_ids"] == (9, 4, 2, 3)
    assert build(metainfo={"classes": ("goat", "sky")}).metainfo["category_ids"] == (4, 3)


def test_a_crowd_of_stuff_is_known_to_be_one(build, content):
    content["annotations"][0]["segments_info"][2]["iscrowd"] = 1
    assert [info.get("is_crowd") for info in build()[1]["segments_info"]] == [None, None, True]


@pytest.mark.parametrize("only", [0, 1])
def test_a_file_without_stuff_or_without_things(build, content, only):
    content["categories"] = [c for c in content["categories"] if c["isthing"] == only]
    kept = {c["id"] for c in content["categories"]}
    for entry in content["annotations"]:
        entry["segments_info"] = [s for s in entry["segments_info"] if s["category_id"] in kept]
    meta = build().metainfo
    things, stuff = meta["thing_classes"], meta["stuff_classes"]
    assert (things, stuff) == ((("cow", "goat"), ()) if only else ((), ("meadow", "sky")))


def test_metainfo_chooses_and_orders_classes(build):
    dataset = build(metainfo={"classes": ["goat", "sky", "meadow"]})
    assert dataset.metainfo["thing_classes"] == ("goat",)
    assert dataset.metainfo["stuff_classes"] == ("sky", "meadow")
    assert dataset[1]["segments_info"] == [{"id": 7, "category": 2, "is_thing": False}]
    assert dataset[1]["void_ids"] == [5, 6]
    assert dataset[0]["instances"][0]["bbox_label"] == 0


@pytest.mark.parametrize(
    ("metainfo", "message"),
    [
        ({"classes": ("cow", "yak")}, r"yak.*lacks.*cow"),
        ({"classes": "cow, sky"}, r"\['cow, sky'\], which annotation file .* lacks"),
        ({"classes": ("cow", "cow")}, "each once"),
        ({"classes": ()}, r"the classes \[\]"),
        ({"classes": ("sky", "cow")}, "must be the things, then the stuff"),
        ({"classes": ("cow", "sky"), "thing_classes": ("cow", "sky")}, "must be the things"),
    ],
)
def test_metainfo_that_does_not_fit(build, metainfo, message):
    with pytest.raises(ValueError, match=message):
        build(metainfo=metainfo)


def test_metainfo_is_there_before_the_annotations_are_loaded(build):
    dataset = build(lazy_init=True)
    assert dataset.metainfo["classes"] == ("cow", "goat", "meadow", "sky")
    assert not dataset.data_list
    dataset.full_init()
    assert len(dataset) == 3


@pytest.mark.parametrize("arguments", [{}, {"lazy_init": True}, {"serialize_data": True}])
def test_pickles(build, arguments):
    dataset = build(**arguments)
    copied = pickle.loads(pickle.dumps(dataset))
    assert copied.metainfo == dataset.metainfo
    assert [copied[i] for i in range(3)] == [dataset[i] for i in range(3)]


def mmdet_samples(arguments, metainfo):
    dataset = CocoPanopticDataset(metainfo=metainfo, **arguments)
    return [dataset[i] for i in range(len(dataset))]


@pytest.mark.parametrize(
    ("name", "split"), [("coco_sample", "val"), ("cwfid", "val"), ("camvid", "val")]
)
def test_equals_mmdet_on_real_data(real_data, dataset_arguments, name, split):
    arguments = dataset_arguments(real_data / name, split)
    dataset = PanopticDataset(**arguments)
    metainfo = {key: dataset.metainfo[key] for key in ("classes", "thing_classes", "stuff_classes")}
    assert [dataset[i] for i in range(len(dataset))] == mmdet_samples(arguments, metainfo)


def test_equals_mmdet_on_shapes(shapes_root, dataset_arguments):
    arguments = dataset_arguments(shapes_root, "train")
    dataset = PanopticDataset(**arguments)
    assert len(dataset) == 8
    assert [dataset[i] for i in range(8)] == mmdet_samples(arguments, dataset.metainfo)


def test_coco_classes_and_colours_are_the_official_ones(real_data, dataset_arguments):
    dataset = PanopticDataset(**dataset_arguments(real_data / "coco_sample", "val"))
    for key in ("classes", "thing_classes", "stuff_classes", "palette"):
        assert dataset.metainfo[key] == CocoPanopticDataset.METAINFO[key]


def test_read_categories(build, tmp_path):
    build()
    assert read_categories(tmp_path / "panoptic.json") == (("cow", "goat"), ("meadow", "sky"))


@pytest.mark.parametrize("number", [1, 12, 255])
def test_palette_colours_are_distinct_and_repeatable(number):
    names = [f"class {i}" for i in range(number)]
    palette = make_palette(names)
    assert palette == make_palette(names)
    assert len({*palette, (0, 0, 0)}) == number + 1
    assert all(0 <= value <= 255 for colour in palette for value in colour)


def test_the_files_own_colours_are_kept():
    assert make_palette(["person", "cow"], {"cow": (1, 2, 3)})[1] == (1, 2, 3)
    assert make_palette(["person", "cow"], {"cow": (1, 2, 3)})[0] == make_palette(["person"])[0]


def test_palette_keeps_known_colours():
    person = CocoPanopticDataset.METAINFO["palette"][0]
    palette = make_palette(["unheard of", "person", "another"])
    assert palette[1] == person
    assert len(set(palette)) == 3


def test_missing_file(tmp_path):
    for build in (read_categories, PanopticDataset):
        with pytest.raises(InputError, match=r"gone\.json' does not exist; check ann_file"):
            build(str(tmp_path / "gone.json"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(CONTENT)[:-9], "truncated or not JSON"),
        ("", "is empty"),
        ("[1]", "holds list; COCO panoptic format needs"),
        ('{"images": []}', r"holds \['images'\]"),
        ('{"images": [], "categories": []}', "images is a list of 0"),
        ('{"images": [{"id": 1}], "categories": []}', r"images\[0\] lacks"),
        (
            '{"images": [], "categories": [], "annotations": [{"image_id": 1, "bbox": []}]}',
            r"annotations\[0\] lacks \['segments_info'\]",
        ),
    ],
)
def test_bad_file(tmp_path, text, message):
    path = tmp_path / "bad.json"
    path.write_text(text)
    for build in (read_categories, PanopticDataset):
        with pytest.raises(ValueError, match=r"bad\.json.*" + message):
            build(str(path))


def test_too_many_classes(build, content):
    content["annotations"] = []
    content["categories"] = [{"id": i, "name": f"c{i}", "isthing": 1} for i in range(255)]
    assert len(build().metainfo["classes"]) == 255
    content["categories"].append({"id": 255, "name": "c255", "isthing": 0})
    with pytest.raises(ValueError, match="256 categories; 1 to 255"):
        build()


@pytest.mark.parametrize(("key", "value"), [("name", "cow"), ("id", 9)])
def test_repeated_category(build, content, key, value):
    content["categories"][0][key] = value
    with pytest.raises(ValueError, match=f"several categories of one {key}: {value}"):
        build()


def test_unknown_category(build, content):
    content["annotations"][0]["segments_info"][0]["category_id"] = 77
    with pytest.raises(ValueError, match=r"segment 5 of image 10 .* category 77.*\[2, 3, 4, 9\]"):
        build()


@pytest.mark.parametrize(("key", "id_key"), [("images", "id"), ("annotations", "image_id")])
def test_repeated_image(build, content, key, id_key):
    content[key][0][id_key] = content[key][1][id_key]
    with pytest.raises(ValueError, match=f"{key}.*give each image its own id"):
        build()
