import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mmdet.datasets.transforms import PackDetInputs

from mmpanonas.datasets import LoadPanopticSegments, PanopticDataset
from mmpanonas.datasets.loading import index_segments, segment_masks
from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import MAX_ID, write_panoptic_png
from mmpanonas.panoptic.runs import Runs

IDS = np.array([[0, 7, 7, 0], [300, 7, 70000, 70000], [300, 300, 0, 70000]])
SEGMENTS = [
    {"id": 300, "category": 2, "is_thing": False},
    {"id": 7, "category": 0, "is_thing": True},
    {"id": 9, "category": 1, "is_thing": True},
    {"id": 70000, "category": 1, "is_thing": True},
]


def make_sample(path, ids=IDS, segments=SEGMENTS, **more):
    if ids is not None:
        write_panoptic_png(path, ids)
    instances = [
        {"bbox": [0, 0, 2, 2], "bbox_label": segment["category"], "ignore_flag": 0}
        for segment in segments
        if segment["is_thing"]
    ]
    sample = {
        "img_path": "picture.jpg",
        "seg_map_path": str(path),
        "segments_info": segments,
        "instances": instances,
        "height": IDS.shape[0],
        "width": IDS.shape[1],
    }
    return {**sample, **more}


def naive(ids, segments):
    """What mmdet defines, one comparison of the whole picture per segment."""
    masks, labels = [], np.full(ids.shape, 255)
    for segment in segments:
        labels[ids == segment["id"]] = segment["category"]
        if segment["is_thing"]:
            masks.append(ids == segment["id"])
    return np.array(masks).reshape(-1, *ids.shape), labels


def test_hand_made_picture(tmp_path):
    sample = LoadPanopticSegments()(make_sample(tmp_path / "a.png"))
    assert sample["gt_seg_map"].tolist() == [
        [255, 0, 0, 255],
        [2, 0, 1, 1],
        [2, 2, 255, 1],
    ]
    assert sample["gt_seg_map"].dtype == np.uint8
    assert sample["ignore_index"] == 255
    assert sample["gt_bboxes_labels"].tolist() == [0, 1, 1]
    assert sample["gt_ignore_flags"].tolist() == [False] * 3
    masks = sample["gt_masks"].masks
    assert masks.tolist() == [
        [[0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]],
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
        [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]],
    ]
    packed = PackDetInputs(meta_keys=())(sample)["data_samples"]
    assert len(packed.gt_instances) == 3
    assert packed.gt_sem_seg.ignore_index == 255


def test_file_backend_gives_the_same(tmp_path):
    expected = LoadPanopticSegments()(make_sample(tmp_path / "a.png"))
    load = LoadPanopticSegments(backend_args={"backend": "local"})
    assert np.array_equal(
        load(make_sample(tmp_path / "a.png"))["gt_seg_map"], expected["gt_seg_map"]
    )


def test_only_what_is_asked_for(tmp_path):
    load = LoadPanopticSegments(with_bbox=False, with_label=False, with_mask=False)
    added = load(make_sample(tmp_path / "a.png")).keys() - make_sample(tmp_path / "a.png").keys()
    assert added == {"gt_seg_map", "ignore_index"}


def test_picture_of_void_only(tmp_path):
    sample = make_sample(tmp_path / "a.png", ids=np.zeros((3, 4), int), segments=[])
    sample = LoadPanopticSegments()(sample)
    assert sample["gt_masks"].masks.shape == (0, 3, 4)
    assert sample["gt_bboxes"].tensor.shape == (0, 4)
    assert (sample["gt_seg_map"] == 255).all()


def test_picture_without_annotation_is_void():
    sample = make_sample("unused", ids=None, segments=[], seg_map_path=None)
    sample = LoadPanopticSegments()(sample)
    assert sample["gt_masks"].masks.shape == (0, 3, 4)
    assert (sample["gt_seg_map"] == 255).all()


@st.composite
def pictures(draw):
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    known = draw(st.lists(st.integers(1, MAX_ID), min_size=0, max_size=6, unique=True))
    values = st.sampled_from([0, *known])
    ids = draw(hnp.arrays(np.int32, shape, elements=values))
    segments = [
        {"id": each, "category": draw(st.integers(0, 254)), "is_thing": draw(st.booleans())}
        for each in known
    ]
    return ids, segments


@settings(max_examples=150, deadline=None)
@given(pictures())
def test_equals_naive_loading(picture):
    ids, segments = picture
    runs = Runs.of(ids)
    numbers = index_segments(runs.values(ids), [segment["id"] for segment in segments])
    masks = segment_masks(runs, numbers, [segment["is_thing"] for segment in segments])
    labels = runs.paint(np.array([255, *(segment["category"] for segment in segments)])[numbers])
    expected_masks, expected_labels = naive(ids, segments)
    assert np.array_equal(masks, expected_masks)
    assert np.array_equal(labels, expected_labels)


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.int32, (3, 5), elements=st.integers(0, 6)))
def test_unlisted_ids_are_told_from_void(ids):
    index = index_segments(ids, [3, 1], void_ids=[5])
    expected = np.select([ids == 3, ids == 1, (ids == 0) | (ids == 5)], [1, 2, 0], -1)
    assert np.array_equal(index, expected)


def test_missing_png(tmp_path):
    with pytest.raises(InputError, match=r"gone\.png.*data_prefix"):
        LoadPanopticSegments()(make_sample(tmp_path / "gone.png", ids=None))


def test_png_of_another_size(tmp_path):
    sample = make_sample(tmp_path / "a.png", ori_shape=(6, 8))
    with pytest.raises(ValueError, match=r"a\.png' is 4 x 3, its picture 'picture\.jpg' 8 x 6"):
        LoadPanopticSegments()(sample)


def test_id_that_the_json_lacks(tmp_path):
    sample = make_sample(tmp_path / "a.png", segments=SEGMENTS[:3])
    with pytest.raises(ValueError, match=r"a\.png' holds the ids \[70000\].*lists \[300, 7, 9\]"):
        LoadPanopticSegments()(sample)
    sample = make_sample(tmp_path / "a.png", segments=SEGMENTS[:3], void_ids=[70000])
    assert (LoadPanopticSegments()(sample)["gt_seg_map"][1, 2:] == 255).all()


@pytest.mark.parametrize("bad", [0, 7, -3, MAX_ID + 1])
def test_segment_ids_must_be_distinct_and_in_range(tmp_path, bad):
    segments = [*SEGMENTS, {"id": bad, "category": 0, "is_thing": True}]
    with pytest.raises(ValueError, match=r"picture\.jpg.*distinct ids"):
        LoadPanopticSegments()(make_sample(tmp_path / "a.png", segments=segments))


def test_segments_without_a_folder_of_pngs():
    with pytest.raises(ValueError, match=r"picture\.jpg.*data_prefix"):
        LoadPanopticSegments()(make_sample("unused", ids=None, seg_map_path=None))


def assert_equals_mmdet(dataset, number):
    pytest.importorskip("panopticapi")
    from mmdet.datasets.transforms import LoadPanopticAnnotations

    ours, theirs = LoadPanopticSegments(), LoadPanopticAnnotations()
    for sample in (dataset[i] for i in range(min(number, len(dataset)))):
        sample["ori_shape"] = sample["height"], sample["width"]
        got, expected = ours(dict(sample)), theirs(dict(sample))
        assert expected.keys() | {"ignore_index"} == got.keys()
        assert np.array_equal(got["gt_seg_map"], expected["gt_seg_map"])
        assert np.array_equal(got["gt_masks"].masks, expected["gt_masks"].masks)
        assert np.array_equal(got["gt_bboxes"].tensor, expected["gt_bboxes"].tensor)
        assert np.array_equal(got["gt_bboxes_labels"], expected["gt_bboxes_labels"])
        assert np.array_equal(got["gt_ignore_flags"], expected["gt_ignore_flags"])
        assert len(got["gt_masks"]) == len(got["gt_bboxes"])


def test_equals_mmdet_on_shapes(shapes_root, dataset_arguments):
    assert_equals_mmdet(PanopticDataset(**dataset_arguments(shapes_root, "train")), 8)


@pytest.mark.parametrize(
    ("name", "split"), [("coco_sample", "val"), ("cwfid", "train"), ("camvid", "val")]
)
def test_equals_mmdet_on_real_pictures(real_data, dataset_arguments, name, split):
    assert_equals_mmdet(PanopticDataset(**dataset_arguments(real_data / name, split)), 12)
