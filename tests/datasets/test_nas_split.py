import json
import random
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mmpanonas.datasets import PanopticDataset
from mmpanonas.datasets.nas_split import choose_held_out, coverage, nas_paths, split_nas
from tests.tools.conftest import one_line

TOOL = "tools/dataset_converters/nas_split.py"


def write(path, image_ids):
    content = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "height": 4, "width": 5} for i in image_ids],
        "annotations": [
            {"image_id": i, "file_name": f"{i}.png", "segments_info": []} for i in image_ids
        ],
        "categories": [{"id": 1, "name": "a", "isthing": 1}],
        "info": {"year": 2017},
    }
    path.write_text(json.dumps(content))
    return path


def ids_of(path, key="images", name="id"):
    return [entry[name] for entry in json.loads(path.read_text())[key]]


def test_parts_are_disjoint_complete_and_keep_the_order(tmp_path):
    image_ids = random.Random(0).sample(range(1000), 50)
    ann_file = write(tmp_path / "panoptic_train2017.json", image_ids)
    before = ann_file.read_bytes()
    train, val = split_nas(ann_file, 12, seed=3)
    assert train == tmp_path / "panoptic_nas_train2017.json"
    assert val == tmp_path / "panoptic_nas_val2017.json"
    assert len(ids_of(val)) == 12
    held_out = set(ids_of(val))
    assert ids_of(train) == [i for i in image_ids if i not in held_out]
    assert ids_of(val) == [i for i in image_ids if i in held_out]
    for path in (train, val):
        assert ids_of(path, "annotations", "image_id") == ids_of(path)
        content = json.loads(path.read_text())
        assert content["info"] == {"year": 2017}
        assert content["categories"] == json.loads(before)["categories"]
        assert len(PanopticDataset(str(path), data_prefix={"img": "", "seg": ""})) == len(
            content["images"]
        )
    assert ann_file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [ann_file.name, train.name, val.name]
    )


def none(image_ids):
    return {image_id: set() for image_id in image_ids}


def test_draw_depends_on_the_ids_and_the_seed_alone(tmp_path):
    image_ids = list(range(5, 205))
    shuffled = random.Random(1).sample(image_ids, len(image_ids))
    assert choose_held_out(none(image_ids), 40, 0) == choose_held_out(none(shuffled), 40, 0)
    assert choose_held_out(none(image_ids), 40, 0) != choose_held_out(none(image_ids), 40, 1)
    assert choose_held_out(none(image_ids), 39, 0) < choose_held_out(none(image_ids), 40, 0)


def test_every_image_is_held_out_equally_often():
    times = dict.fromkeys(range(10), 0)
    for seed in range(1000):
        for image_id in choose_held_out(none(times), 3, seed):
            times[image_id] += 1
    # 1000 draws with probability 0.3: five standard deviations are 72.
    assert all(228 < number < 372 for number in times.values())


def test_rare_categories_come_into_both_parts_and_nothing_else_moves():
    """Category 1 is in two of 200 pictures, 2 in a single one, 0 in all."""
    plain = {i: {0} for i in range(200)}
    for seed in range(20):
        drawn = choose_held_out(plain, 20, seed)
        inside, outside = sorted(drawn), sorted(plain.keys() - drawn)
        # Both pictures on one side, whichever: one of them must change places.
        for rare in (inside[:2], outside[:2]):
            held_out = choose_held_out(plain | {i: {0, 1} for i in rare}, 20, seed)
            assert len(held_out & set(rare)) == 1
            assert len(held_out ^ drawn) == 2
        # One on each side, or a single picture with a category: the draw stays.
        assert choose_held_out(plain | {inside[0]: {1}, outside[0]: {1}}, 20, seed) == drawn
        assert choose_held_out(plain | {outside[0]: {0, 2}}, 20, seed) == drawn


@given(
    kinds=st.lists(st.integers(0, 5), min_size=12, max_size=40),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_where_each_picture_has_one_category_both_parts_have_all(kinds, seed, data):
    """With as many pictures as categories in a part there is always an exchange."""
    kinds = [kind for kind in kinds if kinds.count(kind) > 1]
    number = len(set(kinds))
    assume(len(kinds) > number)
    num_val = data.draw(st.integers(number, len(kinds) - number))
    categories = {place: {kind} for place, kind in enumerate(kinds)}
    held_out = choose_held_out(categories, num_val, seed)
    assert len(held_out) == num_val
    assert {kinds[i] for i in held_out} == set(kinds)
    assert {kinds[i] for i in categories.keys() - held_out} == set(kinds)


@given(
    found=st.lists(st.sets(st.integers(0, 8), max_size=4), min_size=6, max_size=30),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_exchanges_never_cost_a_category(found, seed, data):
    categories = dict(enumerate(found))
    num_val = data.draw(st.integers(1, len(found) - 1))
    drawn = choose_held_out(none(categories), num_val, seed)
    held_out = choose_held_out(categories, num_val, seed)
    assert len(held_out) == num_val

    def both(part):
        common = set.union(*(found[i] for i in part))
        return common & set.union(*(found[i] for i in categories.keys() - part))

    assert both(drawn) <= both(held_out)


def test_things_and_stuff_count_unless_they_are_a_crowd_or_empty(tmp_path):
    """Of 40 pictures, two have a segment that counts, two one that does not."""
    ann_file = write(tmp_path / "panoptic_train.json", range(40))
    content = json.loads(ann_file.read_text())
    content["categories"].append({"id": 2, "name": "b", "isthing": 0})
    plain = sorted(choose_held_out(none(range(40)), 4, 0))
    segment = {"id": 1, "category_id": 1, "area": 4, "bbox": [0, 0, 2, 2]}
    for place, entry in (
        (plain[0], segment),
        (plain[1], segment),
        (plain[2], segment | {"category_id": 2, "iscrowd": 1}),
        (plain[3], segment | {"category_id": 2, "area": 0}),
    ):
        content["annotations"][place]["segments_info"] = [entry]
    ann_file.write_text(json.dumps(content))
    train, val = split_nas(ann_file, 4)
    assert coverage(train) == (36, {"a": 1, "b": 0})
    assert coverage(val) == (4, {"a": 1, "b": 0})
    assert {plain[2], plain[3]} <= set(ids_of(val))


def test_pictures_without_annotation_stay_in_nas_train(tmp_path):
    ann_file = write(tmp_path / "panoptic_train.json", range(20))
    content = json.loads(ann_file.read_text())
    del content["annotations"][::2]
    ann_file.write_text(json.dumps(content))
    train, val = split_nas(ann_file, 9)
    assert [i % 2 for i in ids_of(val)] == [1] * 9
    assert set(range(0, 20, 2)) < set(ids_of(train))
    with pytest.raises(ValueError, match="has 20 images, 10 of them annotated, of which at least"):
        split_nas(ann_file, 10)


@pytest.mark.parametrize(
    ("name", "train", "val"),
    [
        ("panoptic_train.json", "panoptic_nas_train.json", "panoptic_nas_val.json"),
        ("train/trains_train.json", "train/trains_nas_train.json", "train/trains_nas_val.json"),
        ("mine.json", "mine_nas_train.json", "mine_nas_val.json"),
    ],
)
def test_names(name, train, val):
    assert nas_paths(name) == (Path(train), Path(val))


@pytest.mark.parametrize("num_val", [0, -1, 5, 6])
def test_nothing_left_on_one_side(tmp_path, num_val):
    ann_file = write(tmp_path / "panoptic_train.json", range(5))
    with pytest.raises(ValueError, match=rf"num_val {num_val} .*has 5 images"):
        split_nas(ann_file, num_val)
    assert list(tmp_path.iterdir()) == [ann_file]


def test_repeated_image_ids(tmp_path):
    with pytest.raises(ValueError, match="image id 1 is given to 2 images"):
        split_nas(write(tmp_path / "train.json", [1, 2, 1]), 1)


def test_command(tmp_path, call_tool):
    ann_file = write(tmp_path / "panoptic_train.json", range(5))
    code, out, _ = call_tool(TOOL, ann_file, "--num-val", 2)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"nas_train: {tmp_path}/panoptic_nas_train.json, 3 pictures, 0 categories"
    assert lines[2] == f"nas_val: {tmp_path}/panoptic_nas_val.json, 2 pictures, 0 categories"
    assert lines[3] == "  without a"
    assert len(ids_of(tmp_path / "panoptic_nas_val.json")) == 2
    error = one_line(call_tool(TOOL, ann_file, "--num-val", 9))
    assert error.startswith("error: num_val 9")


def test_another_folder(tmp_path, call_tool):
    """For annotations that lie where nothing can be written."""
    (tmp_path / "in").mkdir()
    ann_file = write(tmp_path / "in/panoptic_train.json", range(5))
    assert call_tool(TOOL, ann_file, "--num-val", 2, "--out", tmp_path / "out")[0] == 0
    assert [path.name for path in (tmp_path / "in").iterdir()] == [ann_file.name]
    beside = call_tool(TOOL, ann_file, "--num-val", 2)
    assert beside[0] == 0
    for name in ("panoptic_nas_train.json", "panoptic_nas_val.json"):
        assert (tmp_path / "in" / name).read_text() == (tmp_path / "out" / name).read_text()
