import json
import random
from pathlib import Path

import pytest

from mmpanonas.datasets import PanopticDataset
from mmpanonas.datasets.nas_split import choose_held_out, nas_paths, split_nas


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


def test_draw_depends_on_the_ids_and_the_seed_alone(tmp_path):
    image_ids = list(range(5, 205))
    shuffled = random.Random(1).sample(image_ids, len(image_ids))
    assert choose_held_out(image_ids, 40, 0) == choose_held_out(shuffled, 40, 0)
    assert choose_held_out(image_ids, 40, 0) != choose_held_out(image_ids, 40, 1)
    assert choose_held_out(image_ids, 39, 0) < choose_held_out(image_ids, 40, 0)


def test_every_image_is_held_out_equally_often():
    times = dict.fromkeys(range(10), 0)
    for seed in range(1000):
        for image_id in choose_held_out(list(times), 3, seed):
            times[image_id] += 1
    # 1000 draws with probability 0.3: five standard deviations are 72.
    assert all(228 < number < 372 for number in times.values())


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
    with pytest.raises(ValueError, match="3 images but only 2 image ids"):
        split_nas(write(tmp_path / "train.json", [1, 2, 1]), 1)


def test_command(tmp_path, run_tool):
    ann_file = write(tmp_path / "panoptic_train.json", range(5))
    code, out, _ = run_tool("nas_split.py", ann_file, "--num-val", 2)
    assert code == 0
    assert "panoptic_nas_val.json" in out
    assert len(ids_of(tmp_path / "panoptic_nas_val.json")) == 2
    code, _, error = run_tool("nas_split.py", ann_file, "--num-val", 9)
    assert code == 2
    assert error.startswith("error: num_val 9")
