"""PQ: hand-made numbers, equality with panopticapi, invariance, files."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import METRICS
from mmdet.structures import INSTANCE_OFFSET, DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData

from mmpanonas.errors import InputError
from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.panoptic import segment_areas
from mmpanonas.panoptic.png import read_panoptic_png, write_panoptic_png

pytestmark = pytest.mark.timeout(300)  # panopticapi starts processes

THINGS, STUFF = ("cat", "dog"), ("sky", "road")
META = {"classes": THINGS + STUFF, "thing_classes": THINGS, "stuff_classes": STUFF}
VOID = len(META["classes"])
KEYS = [k + s for s in ("", "_th", "_st") for k in ("PQ", "SQ", "RQ")]


def thing(label, number):
    return label + number * INSTANCE_OFFSET


def make_metric(**kwargs):
    metric = PanopticQualityMetric(**kwargs)
    metric.dataset_meta = META
    return metric


def make_sample(folder, img_id, truth, segments, prediction):
    """truth: ids (H, W); segments: id -> label or (label, 'crowd'); prediction: labels."""
    truth = np.asarray(truth)
    path = Path(folder) / f"{img_id:06}.png"
    write_panoptic_png(path, truth)
    infos = []
    for i, label in segments.items():
        crowd = isinstance(label, tuple)
        label = label[0] if crowd else label
        is_thing = label < len(THINGS) and not crowd
        infos.append({"id": i, "category": label, "is_thing": is_thing})
        if crowd and label >= len(THINGS):
            infos[-1]["is_crowd"] = True
    prediction = torch.as_tensor(np.asarray(prediction), dtype=torch.int32)[None]
    return {
        "img_id": img_id,
        "img_path": f"{img_id:06}.jpg",
        "ori_shape": truth.shape,
        "seg_map_path": str(path),
        "segments_info": infos,
        "pred_panoptic_seg": {"sem_seg": prediction},
    }


def score(metric, samples):
    metric.process(None, samples)
    return metric.compute_metrics(metric.results)


def counts(metric, name):
    row = next(r for r in metric.per_class(metric.results) if r["name"] == name)
    return row["n_tp"], row["n_fp"], row["n_fn"], row["iou_sum"]


def row_map(*runs):
    """A one-row map from (value, length) pairs."""
    return np.repeat([value for value, _ in runs], [length for _, length in runs])[None]


def test_it_is_registered_and_named_as_mmdets():
    metric = METRICS.build({"type": "PanopticQualityMetric"})
    assert metric.prefix == "coco_panoptic"


def test_perfect_prediction(tmp_path):
    metric = make_metric()
    sample = make_sample(
        tmp_path, 1, [[7, 7, 9, 9]], {7: 0, 9: 3}, [[thing(0, 1), thing(0, 1), 3, 3]]
    )
    assert score(metric, [sample]) == dict.fromkeys(KEYS, 100.0)


def test_one_false_positive_and_one_miss(tmp_path):
    metric = make_metric()
    # cat found (IoU 1); a dog predicted on road; the sky is missed and the road shrinks to 6/8
    truth = row_map((1, 4), (2, 8), (3, 4))
    prediction = row_map((thing(0, 1), 4), (thing(1, 2), 2), (3, 6), (VOID, 4))
    result = score(metric, [make_sample(tmp_path, 1, truth, {1: 0, 2: 3, 3: 2}, prediction)])
    assert counts(metric, "cat") == (1, 0, 0, 1.0)
    assert counts(metric, "dog") == (0, 1, 0, 0.0)
    assert counts(metric, "sky") == (0, 0, 1, 0.0)
    assert counts(metric, "road") == (1, 0, 0, 0.75)
    assert result["PQ"] == 100 * (1.0 + 0.0 + 0.0 + 0.75) / 4
    assert result["PQ_th"] == 50.0
    assert result["PQ_st"] == 37.5
    assert result["SQ"] == 43.75
    assert result["RQ"] == 50.0


def test_further_maps_of_a_picture_are_scored_beside_the_first(tmp_path):
    """Of two pictures, the first map finds cat and road, the further one the road alone."""
    metric = make_metric()
    samples = []
    for img_id in (1, 2):
        sample = make_sample(tmp_path, img_id, [[7, 9, 9]], {7: 0, 9: 3}, [[thing(0, 1), 3, 3]])
        sample["pred_panoptic_seg"]["sem_seg_bare"] = torch.tensor([[[VOID, 3, 3]]])
        samples.append(sample)
    found = score(metric, samples)
    assert {key: found[key] for key in KEYS} == dict.fromkeys(KEYS, 100.0)
    assert (found["bare/PQ"], found["bare/PQ_th"], found["bare/PQ_st"]) == (50.0, 0.0, 100.0)
    assert set(found) == {*KEYS, *(f"bare/{key}" for key in KEYS)}
    assert [row["n_fn"] for row in metric.per_class(metric.results, "bare")] == [2, 0, 0, 0]


@pytest.mark.parametrize(("overlap", "expected"), [(4, (0, 1, 1, 0.0)), (5, (1, 0, 0, 0.625))])
def test_iou_of_exactly_one_half_is_no_match(tmp_path, overlap, expected):
    metric = make_metric()
    truth = row_map((1, 8), (2, 2))
    prediction = row_map((thing(0, 1), overlap), (VOID, 6))[:, :10]
    prediction = np.pad(prediction, ((0, 0), (0, 10 - prediction.shape[1])), constant_values=VOID)
    score(metric, [make_sample(tmp_path, 1, truth, {1: 0, 2: 3}, prediction)])
    assert counts(metric, "cat") == expected


@pytest.mark.parametrize(("void", "expected"), [(5, (0, 1, 0, 0.0)), (6, (0, 0, 0, 0.0))])
def test_a_prediction_mostly_on_void_is_ignored(tmp_path, void, expected):
    metric = make_metric()
    truth = row_map((0, void), (2, 20 - void))
    prediction = row_map((thing(0, 1), 10), (3, 10))
    score(metric, [make_sample(tmp_path, 1, truth, {2: 3}, prediction)])
    assert counts(metric, "cat") == expected


def test_void_leaves_the_union(tmp_path):
    metric = make_metric()
    truth = row_map((1, 6), (0, 4))
    score(metric, [make_sample(tmp_path, 1, truth, {1: 0}, row_map((thing(0, 1), 10)))])
    assert counts(metric, "cat") == (1, 0, 0, 1.0)


def test_segments_that_the_data_set_leaves_out_are_void(tmp_path):
    metric = make_metric()
    truth = row_map((1, 6), (70000, 2), (3, 4))
    prediction = row_map((thing(0, 1), 8), (3, 4))
    sample = make_sample(tmp_path, 1, truth, {1: 0, 3: 3}, prediction) | {"void_ids": [70000, 9]}
    score(metric, [sample])
    assert counts(metric, "cat") == (1, 0, 0, 1.0)


def test_a_picture_without_annotation_is_all_void(tmp_path):
    sample = make_sample(tmp_path, 1, [[0, 0, 0]], {}, [[thing(0, 1), 2, VOID]])
    metric = make_metric()
    assert score(metric, [{**sample, "seg_map_path": None}]) == dict.fromkeys(KEYS, 0.0)
    segment = {"id": 1, "category": 0, "is_thing": True}
    with pytest.raises(ValueError, match=r"lacks \['seg_map_path'\]"):
        metric.process(None, [{**sample, "seg_map_path": None, "segments_info": [segment]}])


def test_a_crowd_of_stuff_is_neither_missed_nor_matched_and_forgives_its_class(tmp_path):
    metric = make_metric()
    truth, prediction = row_map((1, 8), (2, 8)), row_map((2, 8), (3, 8))
    score(metric, [make_sample(tmp_path, 1, truth, {1: (2, "crowd"), 2: 3}, prediction)])
    assert counts(metric, "sky") == (0, 0, 0, 0.0)
    assert counts(metric, "road") == (1, 0, 0, 1.0)


def test_a_crowd_is_neither_missed_nor_matched_and_forgives_its_class(tmp_path):
    metric = make_metric()
    truth = row_map((1, 8), (2, 8))
    prediction = row_map((thing(0, 1), 4), (thing(1, 2), 4), (3, 8))
    score(metric, [make_sample(tmp_path, 1, truth, {1: (0, "crowd"), 2: 3}, prediction)])
    assert counts(metric, "cat") == (0, 0, 0, 0.0)
    assert counts(metric, "dog") == (0, 1, 0, 0.0)


@pytest.mark.parametrize(
    ("truth", "segments", "prediction"),
    [
        ([[0, 0]], {}, [[VOID, VOID]]),  # nothing at all
        ([[0, 0]], {}, [[thing(0, 1), 3]]),  # predictions on void alone
        ([[5, 5]], {5: (0, "crowd")}, [[VOID, VOID]]),  # a crowd alone
    ],
)
def test_where_nothing_counts_every_number_is_zero(tmp_path, truth, segments, prediction):
    metric = make_metric()
    assert score(metric, [make_sample(tmp_path, 1, truth, segments, prediction)]) == dict.fromkeys(
        KEYS, 0.0
    )
    assert make_metric().compute_metrics([]) == dict.fromkeys(KEYS, 0.0)


def test_an_empty_prediction_misses_everything(tmp_path):
    metric = make_metric()
    result = score(metric, [make_sample(tmp_path, 1, [[4, 6]], {4: 1, 6: 2}, [[VOID, VOID]])])
    assert result["PQ"] == 0.0
    assert counts(metric, "dog") == (0, 0, 1, 0.0)
    assert counts(metric, "sky") == (0, 0, 1, 0.0)


def random_samples(folder, count, seed):
    """Scenes with crowds (several of a class too), void, wrong labels and shifted borders."""
    rng = np.random.default_rng(seed)
    samples = []
    for img_id in rng.permutation(1000)[:count].tolist():
        coarse = rng.integers(0, 7, (8, 9))
        truth = np.kron(coarse, np.ones((4, 4), np.int64)) * 70001
        present = [i for i in np.unique(truth).tolist() if i]
        rng.shuffle(present)
        labels = {i: int(rng.integers(0, VOID)) for i in present}
        segments = {
            i: (label, "crowd") if rng.random() < (0.4 if label < len(THINGS) else 0.2) else label
            for i, label in labels.items()
        }
        prediction = np.full(truth.shape, VOID)
        shifted = np.where(rng.random(truth.shape) < 0.2, np.roll(truth, 2, 1), truth)
        for number, i in enumerate([0, *present], 1):
            label = labels.get(i, VOID) if rng.random() < 0.9 else int(rng.integers(0, VOID + 1))
            value = thing(label, number) if label < len(THINGS) else label
            prediction[shifted == i] = value
        samples.append(make_sample(folder, img_id, truth, segments, prediction))
    return samples


def as_coco(folder, samples):
    """The same scenes as panopticapi's files, written by this test's own hand."""
    out = folder / "api"
    (out / "pred").mkdir(parents=True)
    truths, predictions = [], []
    for sample in sorted(samples, key=lambda s: s["img_id"]):
        truth = read_panoptic_png(sample["seg_map_path"])
        panoptic = sample["pred_panoptic_seg"]["sem_seg"][0].numpy()
        name = Path(sample["seg_map_path"]).name
        write_panoptic_png(out / "pred" / name, np.where(panoptic == VOID, 0, panoptic))
        infos = [
            {
                "id": info["id"],
                "category_id": info["category"],
                "iscrowd": int(
                    not info["is_thing"] if info["category"] < len(THINGS) else "is_crowd" in info
                ),
                "area": int((truth == info["id"]).sum()),
            }
            for info in sample["segments_info"]
        ]
        found = [
            {"id": int(v), "category_id": int(v % INSTANCE_OFFSET)}
            for v in np.unique(panoptic)
            if v != VOID
        ]
        entry = {"image_id": sample["img_id"], "file_name": name}
        truths.append({**entry, "segments_info": infos})
        predictions.append({**entry, "segments_info": found})
    categories = [
        {"id": i, "name": name, "isthing": int(i < len(THINGS))}
        for i, name in enumerate(META["classes"])
    ]
    gt = {"annotations": truths, "categories": categories}
    (out / "gt.json").write_text(json.dumps(gt))
    (out / "pred.json").write_text(json.dumps({"annotations": predictions}))
    return out / "gt.json", out / "pred.json", folder, out / "pred"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_equal_to_panopticapi_to_the_last_bit(panopticapi, tmp_path, seed):
    samples = random_samples(tmp_path, 12, seed)
    ours = score(make_metric(), samples)
    theirs = panopticapi.pq_compute(*map(str, as_coco(tmp_path, samples)))
    for group, suffix in (("All", ""), ("Things", "_th"), ("Stuff", "_st")):
        for key in ("PQ", "SQ", "RQ"):
            assert ours[key + suffix] == 100 * theirs[group][key.lower()]
    assert 5 < ours["PQ"] < 95


def test_neither_order_nor_ranks_nor_duplicates_change_a_bit(tmp_path):
    samples = random_samples(tmp_path, 23, seed=5)
    expected = score(make_metric(), samples)
    for seed in range(4):
        random.Random(seed).shuffle(samples)
        ranks = [make_metric() for _ in range(3)]
        for rank, metric in enumerate(ranks):
            metric.process(None, samples[rank::3])
        ranks[2].process(None, samples[:1])  # what a sampler adds to fill the last rank
        merged = [result for metric in ranks for result in metric.results]
        assert ranks[0].compute_metrics(merged) == expected


def test_evaluate_adds_the_prefix_and_clears(tmp_path):
    metric = make_metric()
    samples = random_samples(tmp_path, 3, seed=1)
    expected = score(metric, samples)
    assert metric.evaluate(3) == {f"coco_panoptic/{k}": v for k, v in expected.items()}
    assert metric.results == []


def test_classwise_table_has_a_row_per_class(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(
        "mmpanonas.evaluation.metric.print_log", lambda text, **_: lines.append(text)
    )
    sample = make_sample(tmp_path, 1, [[7, 7, 9, 9]], {7: 0, 9: 3}, [[VOID, thing(0, 1), 3, 3]])
    score(make_metric(), [sample])
    assert len(lines) == 1
    score(make_metric(classwise=True), [sample])
    rows = [line.split() for line in "\n".join(lines[1:]).splitlines()]
    assert ["All", "50.000", "50.000", "50.000", "2"] in rows
    assert ["cat", "0.000", "0.000", "0.000", "0", "1", "1"] in rows
    assert ["dog", "0.000", "0.000", "0.000", "0", "0", "0"] in rows
    assert ["road", "100.000", "100.000", "100.000", "1", "0", "0"] in rows


def test_behind_mmengines_evaluator(tmp_path):
    samples = random_samples(tmp_path, 4, seed=1)
    evaluator = Evaluator({"type": "mmdet.PanopticQualityMetric"})
    evaluator.dataset_meta = META
    for sample in samples:
        prediction = PixelData(sem_seg=sample["pred_panoptic_seg"]["sem_seg"])
        metainfo = {k: v for k, v in sample.items() if k != "pred_panoptic_seg"}
        packed = DetDataSample(metainfo=metainfo, pred_panoptic_seg=prediction)
        evaluator.process([packed])
    expected = score(make_metric(), samples)
    assert evaluator.evaluate(4) == {f"coco_panoptic/{k}": v for k, v in expected.items()}


def test_files_read_back_and_score_the_same(panopticapi, tmp_path):
    samples = random_samples(tmp_path, 6, seed=3)
    metric = make_metric(outfile_prefix=str(tmp_path / "out" / "run"))
    metric.dataset_meta = {**META, "category_ids": [0, 1, 2, 3]}
    expected = score(metric, samples)
    gt_json, _, gt_folder, _ = as_coco(tmp_path, samples)
    theirs = panopticapi.pq_compute(
        str(gt_json), str(tmp_path / "out" / "run.panoptic.json"), str(gt_folder)
    )
    assert 100 * theirs["All"]["pq"] == pytest.approx(expected["PQ"], rel=1e-12)
    written = json.loads((tmp_path / "out" / "run.panoptic.json").read_text())["annotations"]
    assert [w["image_id"] for w in written] == sorted(s["img_id"] for s in samples)
    for entry in written:
        ids = read_panoptic_png(tmp_path / "out" / "run.panoptic" / entry["file_name"])
        areas = segment_areas(ids)
        areas.pop(0, None)
        assert areas == {s["id"]: s["area"] for s in entry["segments_info"]}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "run.panoptic",
        "run.panoptic.json",
        "run.pq.json",
    ]
    report = json.loads((tmp_path / "out" / "run.pq.json").read_text())
    assert report["metrics"] == expected
    assert [c["name"] for c in report["classes"]] == list(META["classes"])


def test_written_results_use_the_annotation_files_category_ids(tmp_path):
    categories = [{"id": 10 * (4 - i), "name": n} for i, n in enumerate(META["classes"])]
    (tmp_path / "ann.json").write_text(json.dumps({"categories": categories}))
    sample = make_sample(tmp_path, 8, [[1, 2]], {1: 0, 2: 3}, [[3, thing(0, 1)]])
    prefix = str(tmp_path / "run")
    score(make_metric(outfile_prefix=prefix, ann_file=str(tmp_path / "ann.json")), [sample])
    written = json.loads((tmp_path / "run.panoptic.json").read_text())
    found = {s["category_id"] for s in written["annotations"][0]["segments_info"]}
    assert found == {40, 10}
    (tmp_path / "ann.json").write_text(json.dumps({"categories": categories[1:]}))
    with pytest.raises(InputError, match="lacks the categories"):
        score(make_metric(outfile_prefix=prefix, ann_file=str(tmp_path / "ann.json")), [sample])


def test_format_only_needs_no_ground_truth(tmp_path):
    sample = {
        "img_id": 4,
        "img_path": "somewhere/four.jpg",
        "pred_panoptic_seg": {"sem_seg": torch.tensor([[[thing(0, 1), 2, VOID]]])},
    }
    metric = make_metric(outfile_prefix=str(tmp_path / "t"), format_only=True)
    assert score(metric, [sample]) == {}
    entry = json.loads((tmp_path / "t.panoptic.json").read_text())["annotations"][0]
    assert entry["file_name"] == "four.png"
    assert [s["category_id"] for s in entry["segments_info"]] == [3, 1]
    assert read_panoptic_png(tmp_path / "t.panoptic" / "four.png").tolist() == [
        [thing(0, 1) + 1, 3, 0]
    ]
    with pytest.raises(ValueError, match="outfile_prefix"):
        PanopticQualityMetric(format_only=True)


def test_bad_input_says_what_is_wrong(tmp_path):
    sample = make_sample(tmp_path, 8, [[1, 2]], {1: 0, 2: 3}, [[3, 3]])
    without = {k: v for k, v in sample.items() if k != "segments_info"}
    with pytest.raises(ValueError, match=r"meta_keys .* 'segments_info'"):
        make_metric().process(None, [without])
    wide = {**sample, "pred_panoptic_seg": {"sem_seg": torch.full((1, 1, 3), VOID)}}
    with pytest.raises(ValueError, match=r"prediction is \(1, 3\).*is \(1, 2\)"):
        make_metric().process(None, [wide])
    beyond = {**sample, "pred_panoptic_seg": {"sem_seg": torch.full((1, 1, 2), 5)}}
    with pytest.raises(ValueError, match="predicted label 5"):
        make_metric().process(None, [beyond])
    with pytest.raises(ValueError, match=r"ids \[2\] are in the PNG"):
        make_metric().process(None, [{**sample, "segments_info": sample["segments_info"][:1]}])
    unknown = {**sample, "segments_info": [{"id": 1, "category": 9, "is_thing": True}]}
    with pytest.raises(ValueError, match="label 9 of 4"):
        make_metric().process(None, [unknown])
    with pytest.raises(ValueError, match="lacks 'pred_panoptic_seg'"):
        make_metric().process(None, [{"img_id": 8}])
    with pytest.raises(ValueError, match="lacks"):
        PanopticQualityMetric().process(None, [sample])
