"""Whatever an annotation file holds, reading it ends well or in one line."""

import contextlib
import copy
import gzip
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmpanonas.datasets.annotations.file import (
    parse_panoptic_json,
    read_panoptic_json,
    split_categories,
)
from mmpanonas.datasets.annotations.problems import image_problems, json_remarks, segment_problems
from mmpanonas.datasets.coco_panoptic import PanopticDataset
from mmpanonas.datasets.nas_split import split_nas
from mmpanonas.errors import InputError

CONTENT = {
    "info": {"year": 2017, "note": None},
    "images": [
        {"id": 7, "file_name": "a.jpg", "height": 48, "width": 64, "license": None},
        {"id": 9, "file_name": "b.jpg", "height": 48, "width": 64},
    ],
    "annotations": [
        {
            "image_id": 7,
            "file_name": "a.png",
            "segments_info": [
                {"id": 5, "category_id": 1, "area": 12, "bbox": [0, 0.0, 4, 3], "iscrowd": 0},
                {"id": 6, "category_id": 2, "area": 90.0, "bbox": [0, 9, 9, 10]},
            ],
        },
        {"image_id": 9, "file_name": "b.png", "segments_info": []},
    ],
    "categories": [
        {"id": 1, "name": "crop", "isthing": 1, "color": [1, 2, 3]},
        {"id": 2, "name": "soil", "isthing": False},
    ],
}


def places(value, path=()):
    """Paths of all values that the format names."""
    free = {"info", "license", "color"}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if key not in free:
            yield (*path, key)
            if isinstance(inner, dict | list):
                yield from places(inner, (*path, key))


def put(content, path, value):
    content = copy.deepcopy(content)
    owner = content
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    return content


def read(content):
    return parse_panoptic_json(json.dumps(content).encode(), "some.json")


def test_what_the_format_allows_comes_back_as_it_was_written():
    assert read(CONTENT) == CONTENT
    assert isinstance(read(CONTENT)["annotations"][0]["segments_info"][1]["area"], float)
    unannotated = {key: CONTENT[key] for key in ("images", "categories")}
    for category in (categories := copy.deepcopy(CONTENT["categories"])):
        del category["isthing"]
    assert read(unannotated | {"categories": categories})["annotations"] == []


SEGMENT = ("annotations", 0, "segments_info", 1)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((*SEGMENT, "area"), "90", r'annotations\[0\]\.segments_info\[1\]\.area is "90"; expected'),
        ((*SEGMENT, "area"), float("nan"), "area is NaN; expected: a finite number"),
        ((*SEGMENT, "area"), -1, "area is -1; expected: greater than or equal to 0"),
        ((*SEGMENT, "area"), None, "area is null"),
        ((*SEGMENT, "area"), True, "area is true"),
        ((*SEGMENT, "bbox"), [1, 2, 3], r"bbox is a list of 3"),
        ((*SEGMENT, "bbox"), [1, 2, 3, None], r"bbox\[3\] is null"),
        ((*SEGMENT, "bbox"), {}, r"bbox is an object of 0"),
        ((*SEGMENT, "id"), 1 << 24, "id is 16777216; expected: less than or equal to 16777215"),
        ((*SEGMENT, "id"), 10**400, "id is a number of over 40 digits"),
        ((*SEGMENT, "iscrowd"), "0", r'iscrowd is "0"; expected: a valid boolean or a valid int'),
        ((*SEGMENT, "category_id"), 1.0, r"category_id is 1.0"),
        (("categories", 0, "isthing"), "1", r'categories\[0\]\.isthing is "1"'),
        (("categories", 0, "isthing"), 2, r"categories\[0\]\.isthing is 2"),
        (("images", 1, "id"), "9", r'images\[1\]\.id is "9", but images\[0\]\.id is 7; ids of pic'),
        (("images", 1, "id"), True, r"images\[1\]\.id is true"),
        (("images", 1, "width"), 0, r"images\[1\]\.width is 0; expected: greater"),
        (("images",), [], r"images is a list of 0; expected"),
        (("images",), {"a": 1}, r"images is an object of 1; expected: a valid list"),
        (("annotations",), None, r"annotations is null"),
        (("annotations", 0, "segments_info"), [[]], r"segments_info\[0\] is a list of 0"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(path, value, message):
    with pytest.raises(InputError, match=message) as caught:
        read(put(CONTENT, path, value))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_missing_keys_and_many_faults():
    content = copy.deepcopy(CONTENT)
    del content["annotations"][0]["segments_info"][0]["bbox"]
    with pytest.raises(
        InputError, match=r"segments_info\[0\] lacks \['bbox'\], it has the keys \['ar"
    ):
        read(content)
    content = copy.deepcopy(CONTENT)
    del content["categories"][1]["isthing"]
    with pytest.raises(InputError, match=r"categories\[1\] lacks 'isthing', which is 1 for"):
        read(content)
    content = put(CONTENT, ("images",), [{**CONTENT["images"][0], "width": "64"}] * 40)
    with pytest.raises(InputError, match=r"\(40 faults in all\)$") as caught:
        read(content)
    assert str(caught.value).count("width is") == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (gzip.compress(b"{}", mtime=0), "is compressed by gzip; unpack it"),
        (b"\xff\xfe\xff", "truncated or not JSON"),
        (b'{"images": [', "truncated or not JSON"),
        (b"[" * 100_000, "truncated or not JSON"),
        (b'{"images": ' + b"9" * 5000 + b', "categories": []}', "truncated or not JSON"),
        (b'{"images": [], "images": [1], "categories": []}', 'has the key "images" twice'),
        (b'"text"', "holds str"),
        (b"null", "holds NoneType"),
    ],
)
def test_what_is_no_such_json(data, message):
    with pytest.raises(InputError, match=message):
        parse_panoptic_json(data, "some.json")


def test_other_encodings_of_json_are_read():
    for encoding in ("utf-8-sig", "utf-16", "utf-32-le"):
        assert parse_panoptic_json(json.dumps(CONTENT).encode(encoding), "some.json") == CONTENT


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name, message in (
        ("pipe", "is a pipe, not a file"),
        ("loop", "symbolic links"),
        (".", "is a folder, not a file"),
        ("none", "does not exist"),
        ("zero\0byte", "cannot be read"),
        ("x" * 300, "cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            read_panoptic_json(f"{tmp_path}/{name}")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([0, 1, 7, 9, 1 << 24, 1 << 64, -1, "7", "a.jpg", "\udcff", "a\0", "", "1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_any_change_of_a_file_loads_or_ends_in_one_line(data, tmp_path_factory):
    """A mutated file: reading, checks, data set and split; what passes loads."""
    content = CONTENT
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(content))))
        content = put(content, path, data.draw(JSON))
    folder = tmp_path_factory.mktemp("fuzz")
    ann_file = folder / "panoptic_train.json"
    ann_file.write_bytes(json.dumps(content).encode())
    try:
        content = read_panoptic_json(ann_file)
        split_categories(content["categories"], "some.json")
        problems = [*image_problems(content), *segment_problems(content)]
        assert list(json_remarks(content)) is not None
        if problems:
            return
        dataset = PanopticDataset(str(ann_file), pipeline=[])
    except InputError:
        return
    assert [info["img_id"] for info in dataset] == [image["id"] for image in content["images"]]
    with contextlib.suppress(InputError):  # too few pictures, or none annotated
        split_nas(ann_file, 1)
