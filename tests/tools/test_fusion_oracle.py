"""fusion_oracle.py: the bound of a hand-made scene and of real photographs."""

import json

import cv2
import numpy as np
import pytest

from mmpanonas.panoptic.png import write_panoptic_png
from tests.conftest import ROOT
from tests.tools.conftest import one_line

TOOL = "tools/analysis_tools/fusion_oracle.py"
SAMPLE = ROOT.parent / "shared/data/coco_sample"
CONFIG = "configs/auto_panoptic/coco/retrain.py"
CATEGORIES = [dict(id=3, name="cat", isthing=1), dict(id=7, name="sky", isthing=0)]


def options(root, split: str = "val") -> list[str]:
    """Overrides that put one split in the usual layout in the place of a config's test data."""
    prefix = dict(img=f"images/{split}/", seg=f"annotations/panoptic_{split}/")
    values = {
        "data_root": str(root),
        "ann_file": f"annotations/panoptic_{split}.json",
        "data_prefix": f"dict({', '.join(f'{k}={v!r}' for k, v in prefix.items())})",
    }
    return [f"test_dataloader.dataset.{key}={value}" for key, value in values.items()]


@pytest.fixture
def bounds_of(call_tool, tmp_path):
    """A function from a data set and overrides to the bounds under the config, and the text."""

    def call(root, *overrides: str) -> tuple[dict, str]:
        out = tmp_path / "bounds.json"
        argv = [CONFIG, "--out", out, "--cfg-options", *options(root), *overrides]
        code, text, _ = call_tool(TOOL, *argv)
        assert code == 0
        return json.loads(out.read_text()), text

    return call


@pytest.fixture
def scene(tmp_path):
    """A picture of 128 x 128: cats of 64 x 64 and 63 x 64 pixels and a crowd, the rest sky."""
    ids = np.full((128, 128), 9, np.int32)
    ids[:64, :64], ids[:63, 64:], ids[100:, :20] = 1, 2, 3
    write(tmp_path, ids, {1: 3, 2: 3, 3: 3, 9: 7}, crowd=3)
    return tmp_path


def write(root, ids, segments, crowd):
    """One picture in COCO panoptic format; ``segments``: category by id."""
    for folder in ("images/val", "annotations/panoptic_val"):
        (root / folder).mkdir(parents=True)
    write_panoptic_png(root / "annotations/panoptic_val/a.png", ids)
    cv2.imwrite(str(root / "images/val/a.jpg"), np.zeros((*ids.shape, 3), np.uint8))
    infos = []
    for segment, category in segments.items():
        rows, columns = np.nonzero(ids == segment)
        box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        info = dict(id=segment, category_id=category, area=len(rows), bbox=list(map(int, box)))
        infos.append(info | dict(iscrowd=int(segment == crowd)))
    image = dict(id=1, file_name="a.jpg", height=ids.shape[0], width=ids.shape[1])
    annotation = dict(image_id=1, file_name="a.png", segments_info=infos)
    content = dict(images=[image], annotations=[annotation], categories=CATEGORIES)
    (root / "annotations/panoptic_val.json").write_text(json.dumps(content))


def test_oracle_of_a_scene(bounds_of, scene):
    """The paper's rules keep the larger cat alone; the crowd is nobody's."""
    bounds, text = bounds_of(scene)
    assert bounds["config"] == bounds["released"]
    assert bounds["released"] == dict(PQ=100, PQ_th=100, PQ_st=100, things=2, of=2)
    cats = pytest.approx(100 * 1 / 1.5)
    expected = dict(PQ=pytest.approx(250 / 3), PQ_th=cats, PQ_st=100, things=1, of=2)
    assert bounds["paper"] == expected
    assert "paper        83.33   66.67  100.00   1 of 2" in text


def test_oracle_under_a_configs_own_limits(bounds_of, scene):
    """4,032 pixels of 128 x 128 are no fewer than 1,008 of 64 x 64."""
    limits = "dict(thing_area_limit={}, area_limits_at=(64,64))"
    for limit, found in ((1008, 2), (1009, 1), (1025, 0)):
        panoptic = f"model.test_cfg.panoptic={limits.format(limit)}"
        assert bounds_of(scene, panoptic)[0]["config"]["things"] == found


def test_oracle_of_the_coco_sample(bounds_of):
    """Every thing of the two photographs survives, of which the paper's rules keep five."""
    if not SAMPLE.is_dir():
        pytest.skip(f"the COCO sample pictures are absent: {SAMPLE}")
    bounds, _ = bounds_of(SAMPLE)
    assert bounds["config"]["of"] == 40
    assert bounds["config"]["things"] >= 38
    assert bounds["config"]["PQ_th"] > 95
    assert bounds["paper"]["things"] == 5
    assert bounds["paper"]["PQ_th"] == pytest.approx(30.0, abs=0.1)


def test_what_has_no_bound_is_one_line(call_tool):
    config = "configs/panoptic_fpn/coco_r50.py"
    message = one_line(call_tool(TOOL, config))
    assert "model.panoptic_fusion_head is 'HeuristicFusionHead'" in message
