"""The demo's command line: where results lie, and one clear error for what does not fit."""

import json

import pytest
import torch

from tests.conftest import SHAPES
from tests.inference.conftest import RETRAIN, checkpoint, options, save_network  # noqa: F401
from tests.tools.conftest import one_line

DEMO = "demo/image_demo.py"


@pytest.fixture
def demo(call_tool, checkpoint, options, shapes_root, tmp_path):  # noqa: F811
    """Run the demo on the first validation picture; what is given replaces its arguments."""

    def run(pictures=None, config=RETRAIN, weights=checkpoint, *more, **changed):
        pictures = pictures or sorted((shapes_root / "images/val").iterdir())[:1]
        chosen = [f"{key}={value}" for key, value in (options | changed).items()]
        words = [*pictures, "--config", config, "--checkpoint", weights, *more]
        words += ["--out-dir", tmp_path / "out", "--device", "cpu", "--cfg-options", *chosen]
        return call_tool(DEMO, *words)

    return run


def test_it_says_where_the_results_are(demo, shapes_root, tmp_path):
    code, out, err = demo([shapes_root / "images/val"], RETRAIN)
    assert code == 0
    places = [tmp_path / "out/results.panoptic.json", tmp_path / "out/vis"]
    assert out.splitlines()[-1] == f"results of 4 pictures: {places[0]}, {places[1]}"
    assert "inference: 100%" in err
    assert len(json.loads(places[0].read_text())["annotations"]) == 4
    names = [path.stem for path in sorted((shapes_root / "images/val").iterdir())]
    for folder in (places[1], tmp_path / "out/results.panoptic"):
        assert [path.name for path in sorted(folder.iterdir())] == [f"{n}.png" for n in names]


def test_only_what_is_asked_for(demo, checkpoint, tmp_path):  # noqa: F811
    _, out, _ = demo(None, RETRAIN, checkpoint, "--no-save-pred")
    assert out.splitlines()[-1] == f"results of 1 picture: {tmp_path / 'out/vis'}"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["vis"]


def test_missing_files(demo, tmp_path):
    absent = "argument pictures: expected a file, a folder or a URL, got 'none.jpg', which does not"
    assert absent in one_line(demo(["none.jpg"]))
    (tmp_path / "empty").mkdir()
    assert "empty holds no picture" in one_line(demo([tmp_path / "empty"]))
    assert "'configs/none.py', which does not exist" in one_line(demo(config="configs/none.py"))
    assert "--checkpoint: expected a file or a URL, got 'none.pth'" in one_line(
        demo(weights="none.pth")
    )
    assert "there/arch.json" in one_line(demo(**{"model.arch": "there/arch.json"}))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "is no checkpoint: expected a file that torch.save wrote"),
        (b"", "is no checkpoint"),
        (b"PK\x03\x04 and no more", "is cut short"),
        (b"\x80\x02 and no more", "cannot be read"),
    ],
)
def test_files_that_are_no_checkpoints(demo, tmp_path, content, words):
    (tmp_path / "a.pth").write_bytes(content)
    assert words in one_line(demo(weights=tmp_path / "a.pth"))


def test_a_checkpoint_of_something_else(demo, tmp_path):
    torch.save([1], tmp_path / "list.pth")
    assert "holds a list, not a state dict" in one_line(demo(weights=tmp_path / "list.pth"))
    torch.save({"state_dict": {"a": torch.zeros(2)}}, tmp_path / "other.pth")
    error = one_line(demo(weights=tmp_path / "other.pth"))
    assert "holds a network without searched layers" in error


def test_supernets(demo, checkpoint, save_network):  # noqa: F811
    supernet = save_network("supernet", SHAPES / "supernet.py", **{"model.arch": None})
    error = one_line(demo(weights=supernet))
    assert f"{supernet} holds a supernet of 22 searched layers, but this config" in error
    assert "a fixed network of 22" in error
    fixed = {"model.arch": "None"}
    assert "holds a fixed network" in one_line(demo(config=SHAPES / "supernet.py", **fixed))
    error = one_line(demo(None, SHAPES / "supernet.py", supernet, **fixed))
    assert "the config builds a supernet" in error


def test_a_network_of_other_widths_or_classes(demo, save_network):  # noqa: F811
    narrow = save_network("narrow", **{"model.neck.out_channels": 16, **_narrow_heads()})
    error = one_line(demo(weights=narrow))
    assert f"the checkpoint {narrow} does not fit the config: " in error
    assert "56 are of another shape or type, 24 of neck (neck.lateral_convs.0.conv" in error
    assert "neck.lateral_convs.0.conv.weight is (16, 36, 1, 1) there and (32, 36, 1, 1)" in error


def _narrow_heads() -> dict:
    return {
        f"model.{key}": 16
        for key in (
            "rpn_head.in_channels",
            "roi_head.bbox_roi_extractor.out_channels",
            "roi_head.bbox_head.in_channels",
            "roi_head.mask_roi_extractor.out_channels",
            "roi_head.mask_head.in_channels",
            "semantic_head.in_channels",
            "stuff_to_things.out_channels",
        )
    } | {"model.things_to_stuff.in_channels": 64}


def test_configs_without_a_network_that_fits(call_tool, checkpoint, shapes_root, tmp_path):  # noqa: F811
    def run(config, weights) -> str:
        words = [shapes_root / "images/val", "--config", config, "--checkpoint", weights]
        return one_line(call_tool(DEMO, *words, "--out-dir", tmp_path / "out"))

    error = run("configs/_base_/datasets/shapes.py", checkpoint)
    assert "describes no network: it lacks the key model.type" in error
    path = tmp_path / "detector.py"
    model = "model = dict(type='DetDataPreprocessor')\n"
    path.write_text(f"_base_ = ['{SHAPES}/../../_base_/datasets/shapes.py']\n{model}")
    torch.save({"state_dict": {}}, tmp_path / "empty.pth")
    error = run(path, tmp_path / "empty.pth")
    assert "a DetDataPreprocessor, which predicts no panoptic map" in error


def test_bad_arguments(demo, checkpoint, tmp_path):  # noqa: F811
    error = one_line(demo(None, RETRAIN, checkpoint, "--batch-size", 0))
    assert "--batch-size: expected a whole number of 1 or more, got '0'" in error
    (tmp_path / "out").touch()
    error = one_line(demo())
    assert "argument --out-dir: expected a name for a folder" in error
    assert f"got '{tmp_path / 'out'}', which is a file" in error
