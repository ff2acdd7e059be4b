"""What programs hand to the inferencer: taken for what it is, or one line; nothing is ignored."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmpanonas.errors import InputError
from mmpanonas.inference import PanopticInferencer, PicturesError, list_pictures
from tests.inference.conftest import RETRAIN

BGR = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
GREY = np.repeat(BGR[..., :1], 3, axis=2)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (BGR, BGR),
        (BGR[:, ::-1], BGR[:, ::-1]),
        (BGR[..., 0], GREY),
        (BGR[..., :1], GREY),
        (np.dstack([BGR, BGR[..., 0]]), BGR),
        (torch.from_numpy(BGR.copy()), BGR),
        (Image.fromarray(BGR[..., ::-1]), BGR),
        (Image.fromarray(BGR[..., 0]), GREY),
        (Image.fromarray(np.dstack([BGR[..., ::-1], BGR[..., 0]])), BGR),
        (Image.fromarray(BGR[..., 0] > 99), np.where(GREY > 99, 255, 0)),
    ],
)
def test_what_a_picture_can_be(given, wanted):
    for inputs in (given, [given], (given,), iter([given])):
        (found,) = list_pictures(inputs)
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == np.uint8


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((BGR / 255).astype(np.float32), "float32 of shape (6, 8, 3): scale floats to 0 .. 255"),
        (BGR.astype(np.uint16), "uint16 of shape (6, 8, 3): divide 16 bits"),
        (BGR > 99, "bool of shape (6, 8, 3)"),
        (BGR.astype(int), "int64 of shape"),
        (BGR.transpose(2, 0, 1), "(3, 6, 8): channels come last"),
        (torch.zeros(3, 6, 8), "float32 of shape (3, 6, 8): channels come last"),
        (torch.zeros(6, 8, 3, dtype=torch.bfloat16), "float32 of shape (6, 8, 3)"),
        (BGR[None], "(1, 6, 8, 3): give a batch as a list"),
        (BGR[:0], "(0, 8, 3): it holds no pixel"),
        (BGR[..., :2], "(6, 8, 2): 1, 3 or 4 channels"),
        (np.uint8(3), "uint8"),
        (np.array(["a.jpg"]), "<U5 of shape (1,)"),
        (Image.fromarray(BGR[..., 0].astype(np.int32)), "of mode I: scale it to 8 bits"),
        (Image.new("RGB", (0, 4)), "of size (0, 4)"),
        (None, "got NoneType"),
        (7, "got int '7'"),
        (b"a.jpg", "got bytes"),
        ({"img": BGR}, "got dict"),
        ("", "picture '' does not exist"),
        ("file:///no/such.jpg", "picture /no/such.jpg does not exist"),
    ],
)
def test_what_no_picture_can_be_made_of(given, words):
    for inputs in (given, [BGR, given]):
        with pytest.raises(InputError) as refused:
            list_pictures(inputs)
        message = str(refused.value)
        assert "\n" not in message
        if inputs is given:
            assert words in message
        elif not isinstance(given, str):
            assert message.startswith("picture 2 is ")


def test_paths_of_every_kind_and_hidden_files(tmp_path, monkeypatch):
    for name in ("a b.png", ".b.png", "._a b.png"):
        cv2.imwrite(str(tmp_path / name), BGR)
    path, said = str(tmp_path / "a b.png"), []
    monkeypatch.setattr(
        "mmpanonas.inference.pictures.print_log", lambda text, log: said.append(text)
    )
    for given in (path, Path(path), Path(path).as_uri(), tmp_path, [tmp_path]):
        assert list_pictures(given) == [path]
    assert said == [f"{tmp_path}: 2 hidden files left out"] * 2
    assert list_pictures([]) == []
    assert list_pictures("http://host/a.jpg") == ["http://host/a.jpg"]
    (tmp_path / "outer/inner").mkdir(parents=True)
    with pytest.raises(InputError, match="sub-folders are not looked into"):
        list_pictures(tmp_path / "outer")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (dict(pred_score_thr=0.3), r"pred_score_thr=0.3 means nothing here: set model\.test_cfg"),
        (dict(show=True), "no window is opened"),
        (dict(wait_time=1), "no window is opened"),
        (dict(draw_pred=False), "no_save_vis=True"),
        (dict(texts="cat"), "takes no text"),
        (dict(custom_entities=True), "takes no text"),
        (dict(colour="red"), "no such option"),
        (dict(batch_size=0), "batch_size: expected 1 or more, got 0"),
        (dict(batch_size=True), "batch_size: expected 1 or more, got True"),
        (dict(batch_size="2"), "got '2'"),
    ],
)
def test_options_without_a_meaning_are_refused(inferencer, asked, words):
    with pytest.raises(InputError, match=words):
        inferencer(BGR, **asked)


def test_every_option_that_is_taken_works(inferencer, tmp_path, capsys):
    found = inferencer(
        [BGR],
        1,
        show=False,
        texts=None,
        return_datasamples=True,
        print_result=True,
        out_dir=tmp_path,
    )
    assert found["predictions"][0].pred_panoptic_seg.sem_seg.shape == (1, 6, 8)
    assert "'predictions': [{'image_id': 1" in capsys.readouterr().out
    content = json.loads((tmp_path / "results.panoptic.json").read_text())
    assert [a["file_name"] for a in content["annotations"]] == ["00000001.png"]
    assert inferencer([], out_dir=tmp_path) == dict(predictions=[], visualization=[])


def test_bad_pictures_are_named_and_the_others_written(
    inferencer, shapes_root, tmp_path, monkeypatch
):
    folder, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(shapes_root / "images/val", folder)
    names = sorted(path.name for path in folder.iterdir())
    (folder / names[0]).write_bytes(b"broken")
    with pytest.raises(PicturesError, match=f"3 of 4 .*{names[0]} cannot be decoded") as failed:
        inferencer(folder, batch_size=2, out_dir=out)
    found = failed.value.results["predictions"]
    assert [p["image_id"] for p in found] == [2, 3, 4]
    content = json.loads((out / "results.panoptic.json").read_text())
    assert [Path(i["file_name"]).name for i in content["images"]] == names[1:]
    assert (
        len(list((out / "vis").iterdir())) == len(list((out / "results.panoptic").iterdir())) == 3
    )

    def full(self, stem, ids):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mmpanonas.evaluation.PanopticResults.write_png", full)
    with pytest.raises(PicturesError, match=r"cannot write to .*out: No space left on device"):
        inferencer(BGR, out_dir=out)


@pytest.mark.parametrize("error", [ValueError("no such colour"), OSError(28, "No space left")])
def test_a_drawing_that_fails_costs_no_results(
    inferencer, shapes_root, tmp_path, monkeypatch, error
):
    paths = list_pictures(shapes_root / "images/val")[:3]

    def save(figure, path):
        if path.stem == Path(paths[1]).stem:
            raise error

    monkeypatch.setattr("mmpanonas.inference.inferencer.save_figure", save)
    said = rf"3 of 3 .*{paths[1]} cannot be drawn: {error.args[-1]}$"
    with pytest.raises(PicturesError, match=said) as failed:
        inferencer(paths, batch_size=2, out_dir=tmp_path, return_vis=True)
    assert len(failed.value.results["visualization"]) == 2
    assert [p["image_id"] for p in failed.value.results["predictions"]] == [1, 2, 3]
    assert len(json.loads((tmp_path / "results.panoptic.json").read_text())["annotations"]) == 3


def test_inputs_are_not_overwritten(inferencer, tmp_path):
    folder = tmp_path / "vis"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), BGR)
    with pytest.raises(InputError, match=r"out_dir would overwrite the input .*vis/a\.png"):
        inferencer(folder, out_dir=tmp_path)
    inferencer(folder, out_dir=tmp_path, no_save_vis=True)
    np.testing.assert_array_equal(cv2.imread(str(folder / "a.png")), BGR)


@pytest.mark.parametrize("device", ["cuda:99", "banana", "meta", 3.5])
def test_a_device_that_does_not_exist(device):
    with pytest.raises(InputError, match=f"device '{device}' cannot be used"):
        PanopticInferencer(RETRAIN, "none.pth", device)
