"""tools/test.py: scores first and safe; every file in its place; places are tried at the start."""

import json
import shutil
from types import SimpleNamespace

import pytest
from mmdet.evaluation import DumpDetResults
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner

from mmpanonas.errors import InputError
from mmpanonas.panoptic.png import read_panoptic_png
from mmpanonas.running.outputs import prepare_outputs, settle_results
from mmpanonas.visualization import PanopticPanelHook
from tests.conftest import SMALL
from tests.inference.conftest import RETRAIN, checkpoint, options, save_network  # noqa: F401


@pytest.fixture
def test_tool(call_tool, checkpoint, options, shapes_root, tmp_path):  # noqa: F811
    """Run the tool on the random network; returns (exit code, stdout, stderr)."""

    def run(*words, config=RETRAIN, root=shapes_root, **changed):
        work_dir = tmp_path / "work"
        chosen = SMALL | options | {"data_root": root, "visualizer.name": tmp_path} | changed
        chosen = [f"{key}={value}" for key, value in chosen.items()]
        words = [config, checkpoint, *words, "--work-dir", work_dir, "--cfg-options", *chosen]
        return call_tool("tools/test.py", *words)

    return run


def scores(tmp_path) -> dict:
    (path,) = (tmp_path / "work").glob("*/*.json")
    return json.loads(path.read_text())


@pytest.fixture
def sequences(shapes_root, tmp_path):
    """The data set with its validation pictures as seq0/0.jpg, seq1/0.jpg, seq0/1.jpg, ..."""
    root = shutil.copytree(shapes_root, tmp_path / "data")
    path = root / "annotations/panoptic_val.json"
    content = json.loads(path.read_text())
    for n, (image, annotation) in enumerate(
        zip(content["images"], content["annotations"], strict=True)
    ):
        for entry, folder in ((image, "images/val"), (annotation, "annotations/panoptic_val")):
            old = root / folder / entry["file_name"]
            entry["file_name"] = f"seq{n % 2}/{n // 2}{old.suffix}"
            (root / folder / f"seq{n % 2}").mkdir(exist_ok=True)
            old.rename(root / folder / entry["file_name"])
    path.write_text(json.dumps(content))
    return root


def test_files_keep_their_folders_beside_other_metrics(test_tool, sequences, tmp_path):
    config = tmp_path / "listed.py"
    dump = f"dict(type='DumpDetResults', out_file_path='{tmp_path / 'r.pkl'}')"
    config.write_text(
        f"_base_ = '{RETRAIN}'\ntest_evaluator = [{dump}, dict(type='PanopticQualityMetric')]\n"
    )
    out, shown = tmp_path / "out/r", tmp_path / "shown"
    result = test_tool("--out", out, "--show-dir", shown, config=config, root=sequences)
    assert result[0] == 0, result[2]
    names = ["seq0/0.png", "seq0/1.png", "seq1/0.png", "seq1/1.png"]
    content = json.loads((tmp_path / "out/r.panoptic.json").read_text())
    assert sorted(a["file_name"] for a in content["annotations"]) == names
    for annotation in content["annotations"]:
        ids = read_panoptic_png(tmp_path / "out/r.panoptic" / annotation["file_name"])
        assert set(ids.flat) - {0} == {s["id"] for s in annotation["segments_info"]}
    assert sorted(str(p.relative_to(shown)) for p in shown.rglob("*.png")) == names
    assert (tmp_path / "r.pkl").is_file()
    truth = json.loads((sequences / "annotations/panoptic_val.json").read_text())
    assert content["categories"] == [
        {k: c[k] for k in ("id", "name", "isthing")} for c in truth["categories"]
    ]


def test_scores_are_safe_whatever_fails_while_drawing_and_writing(test_tool, tmp_path, monkeypatch):
    def full(path, ids):
        path.touch()
        raise OSError(28, "No space left on device", str(path))

    def broken(*args):
        raise TypeError("no such colour")

    monkeypatch.setattr("mmpanonas.evaluation.results.write_panoptic_png", full)
    monkeypatch.setattr("mmpanonas.visualization.pictures.hook.draw_panels", broken)
    out = tmp_path / "out/r"
    code, printed, err = test_tool("--out", out, "--show-dir", tmp_path / "shown", "--show-num", 2)
    assert code == 2
    (error,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert error.count("No space left on device") == 4
    assert "; and 1 more; the scores are safe" in error
    assert "coco_panoptic/PQ: " in printed
    assert 0 <= scores(tmp_path)["coco_panoptic/PQ"] <= 100
    assert len(json.loads((tmp_path / "out/r.pq.json").read_text())["metrics"]) == 9
    assert json.loads((tmp_path / "out/r.panoptic.json").read_text())["annotations"] == []
    assert list((tmp_path / "out/r.panoptic").iterdir()) == []


def test_an_error_of_the_network_is_one_line_and_its_place_in_a_file(
    test_tool, tmp_path, monkeypatch
):
    def broken(*args, **kwargs):
        raise KeyError("ori_shape")

    monkeypatch.setattr("mmpanonas.models.detector.AutoPanoptic.predict", broken)
    code, _, err = test_tool()
    assert code == 2
    assert "Traceback" not in err
    assert "error: the test ended with KeyError: ori_shape (where: " in err
    (place,) = (tmp_path / "work").glob("*/traceback.txt")
    assert "in broken" in place.read_text()


def test_places_are_tried_before_the_first_picture(
    test_tool,
    shapes_config,
    options,  # noqa: F811
    shapes_root,
    tmp_path,
):
    (tmp_path / "file").touch()
    (tmp_path / "r.panoptic.json").mkdir()
    maps = shapes_root / "annotations/panoptic_val"
    (tmp_path / "loop.panoptic").symlink_to(maps)
    hook = PanopticPanelHook()
    runner = Runner.from_cfg(shapes_config("retrain", **options | {"data_root": str(shapes_root)}))
    runner.register_hook(hook)
    for prefix, shown, said in (
        (tmp_path / "file/r", "x", "cannot write to the folder of results"),
        (tmp_path / "r", "x", r"r\.panoptic\.json: it is a folder"),
        (f"{tmp_path}/", "x", "expected the beginning of the files' names"),
        (tmp_path / "loop", "x", "--out would overwrite the input"),
        (tmp_path / "good", tmp_path / "file/r", "cannot write to the folder of pictures"),
        (tmp_path / "good", maps, "--show-dir would overwrite the input"),
    ):
        hook.folder = shown
        with pytest.raises(InputError, match=said):
            prepare_outputs(runner, prefix)
    for words, said in (
        (["--out", ""], "expected a value, got ''"),
        (["--show-dir", ""], "expected a value, got ''"),
        (
            ["--show-dir", "x", "--show-num", 0],
            "--show-num: expected a whole number of 1 or more",
        ),
        (["--show-num", 3], "--show-num does nothing without --show-dir"),
    ):
        assert said in test_tool(*words)[2]


@pytest.mark.parametrize("main", [True, False])
def test_scores_are_written_by_the_main_process_alone(test_tool, monkeypatch, tmp_path, main):
    """The PQ metric's own file has no "time"; that comes with MMEngine's hook."""
    monkeypatch.setattr("mmpanonas.running.outputs.is_main_process", lambda: main)
    code, _, err = test_tool()
    assert code == 0, err
    assert ("time" in scores(tmp_path)) == main


def test_out_without_a_metric_that_writes():
    evaluator = Evaluator([DumpDetResults(out_file_path="r.pkl")])
    loader = SimpleNamespace(dataset=None)
    runner = SimpleNamespace(test_loop=SimpleNamespace(evaluator=evaluator, dataloader=loader))
    with pytest.raises(InputError, match=r"--out is written by .*has \['DumpDetResults'\]"):
        prepare_outputs(runner, "r")


def test_a_test_that_would_say_nothing_is_known_by_any_form_of_its_evaluator(monkeypatch):
    monkeypatch.setattr("mmpanonas.running.outputs.is_annotated", lambda cfg, loader: False)
    ours, other = dict(type="PanopticQualityMetric"), dict(type="DumpDetResults")
    loader = dict(dataset=dict(ann_file="bare.json"))
    for evaluator in (ours, [other, ours], dict(metrics=ours), dict(metrics=[other, ours])):
        cfg = Config(dict(test_evaluator=evaluator, test_dataloader=loader))
        with pytest.raises(InputError, match=r"bare\.json has no annotations"):
            settle_results(cfg)
        settle_results(cfg, "out")
    for evaluator in (other, None, [ours | dict(outfile_prefix="out")]):
        settle_results(Config(dict(test_evaluator=evaluator, test_dataloader=loader)))


def test_a_data_set_without_annotations_gets_results_and_no_score(test_tool, shapes_root, tmp_path):
    root = shutil.copytree(shapes_root, tmp_path / "data")
    path = root / "annotations/panoptic_val.json"
    content = json.loads(path.read_text())
    del content["annotations"]
    path.write_text(json.dumps(content))
    code, _, err = test_tool(root=root)
    assert code == 2
    assert "nothing to score: give --out PREFIX" in err
    code, printed, err = test_tool("--out", tmp_path / "r", root=root)
    assert code == 0, err
    assert "results are written, not scored" in printed
    names = [i["file_name"].replace(".jpg", ".png") for i in content["images"]]
    results = json.loads((tmp_path / "r.panoptic.json").read_text())
    assert [a["file_name"] for a in results["annotations"]] == names
    told = {"test_evaluator.format_only": True}
    assert test_tool("--out", tmp_path / "told", root=root, **told)[0] == 0
    assert json.loads((tmp_path / "told.panoptic.json").read_text()) == results
