"""Whether a checkpoint holds a network's weights: what differs is named, by module."""

import io
import pickle
import re
from collections import OrderedDict
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader, load_checkpoint
from torch import nn

from mmpanonas.checkpoints.reading import trust_checkpoints
from mmpanonas.checkpoints.weights import (
    CheckpointKindError,
    check_weights,
    take_what_fits,
    weights_of,
)
from mmpanonas.errors import InputError


class Network(nn.Module):
    """Modules as a detector names them."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.roi_head = nn.ModuleDict(dict(bbox_head=nn.Linear(4, 2), mask_head=nn.Linear(4, 3)))


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


def state(network: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in network.state_dict().items()}


def check(network: nn.Module, content: object) -> None:
    check_weights(network, weights_of(content, "x.pth"), "x.pth")


def test_missing_left_over_and_unlike_weights_are_listed_by_module(network):
    file = state(network)
    del file["roi_head.bbox_head.weight"], file["roi_head.bbox_head.bias"]
    file["neck.conv.weight"] = torch.zeros(1)
    file["backbone.0.weight"] = torch.zeros(5, 3, 3, 3)
    with pytest.raises(CheckpointKindError) as error:
        check(network, file)
    assert str(error.value).startswith(
        "the checkpoint x.pth does not fit the config: it lacks 2 of 11 weights, 2 of "
        "roi_head.bbox_head (roi_head.bbox_head.weight, ...); it holds 1 that are not here, 1 of "
        "neck (neck.conv.weight); 1 are of another shape or type, 1 of backbone "
        "(backbone.0.weight): backbone.0.weight is (5, 3, 3, 3) there and (4, 3, 3, 3) here. Give"
    )


def test_wrappers_old_counts_and_half_precision_fit(network):
    file = state(network)
    del file["backbone.1.num_batches_tracked"]
    check(network, dict(state_dict=file, meta={}))
    check(network, OrderedDict((f"module.{key}", value) for key, value in file.items()))
    check(network, {f"module._orig_mod.{key}": value.half() for key, value in file.items()})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(1)], "holds a list, not a state dict; expected weights by their names"),
        ({}, "holds no weights at all"),
        (dict(state_dict={}), "holds no weights at all"),
        (dict(state_dict=[1]), "its state_dict is a list"),
        (dict(state={}, param_groups=[]), "holds 'state', a dictionary"),
        (dict(model=dict(a=torch.zeros(1))), "holds 'model', a dictionary of a; expected"),
        ({1: torch.zeros(1)}, "holds 1, a Tensor"),
        ({"a": torch.zeros(1), "module.a": torch.zeros(1)}, "holds a twice"),
    ],
)
def test_what_holds_no_weights_is_refused(content, message):
    with pytest.raises(InputError, match=re.escape(message)):
        weights_of(content, "x.pth")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_no_numbers_are_refused(network, value):
    file = state(network)
    file["backbone.1.running_var"][2] = value
    message = r"NaN or infinite values in 1 of 11 weights, 1 of backbone \(backbone.1.running_var\)"
    with pytest.raises(InputError, match=message):
        check(network, file)
    with pytest.raises(InputError, match=message):
        take_what_fits(network, file)


KEYS = sorted(Network().state_dict())
COUNTED = [key for key in KEYS if not key.endswith("num_batches_tracked")]
DAMAGES = {
    "absent": lambda file, key: file.pop(key),
    "renamed": lambda file, key: file.update({key + "_": file.pop(key)}),
    "longer": lambda file, key: file.update({key: torch.cat([file[key], file[key]])}),
    "deeper": lambda file, key: file.update({key: file[key][None]}),
    "empty": lambda file, key: file.update({key: file[key][:0]}),
    "whole numbers": lambda file, key: file.update({key: file[key].long()}),
    "complex": lambda file, key: file.update({key: file[key].to(torch.complex64)}),
    "sparse": lambda file, key: file.update({key: file[key].to_sparse()}),
    "without values": lambda file, key: file.update({key: file[key].to("meta")}),
    "NaN": lambda file, key: file.update({key: file[key] * float("nan")}),
    "infinite": lambda file, key: file.update({key: file[key] + float("inf")}),
    "added": lambda file, key: file.update({f"new.{key}": file[key]}),
    "no tensor": lambda file, key: file.update({key: file[key].tolist()}),
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(COUNTED), st.sampled_from(sorted(DAMAGES)), max_size=3),
    st.sampled_from(["", "module."]),
    st.booleans(),
)
def test_any_damage_is_refused_and_nothing_else(damages, prefix, wrapped):
    network = Network()
    file = state(network)
    for key, kind in damages.items():
        DAMAGES[kind](file, key)
    file = {prefix + key: value for key, value in file.items()}
    content = dict(state_dict=file) if wrapped else file
    if not damages:
        check(network, content)
        return
    with pytest.raises(InputError) as error:
        check(network, content)
    assert any(key in str(error.value) for key in damages), error.value
    assert "\n" not in str(error.value)


def test_fine_tuning_takes_what_fits_and_says_what_not(network):
    file = {key: value + 1 for key, value in state(network).items()}
    file["roi_head.bbox_head.weight"] = torch.zeros(7, 4)
    del file["roi_head.bbox_head.bias"]
    taken, line = take_what_fits(network, file, "x.pth")
    assert taken.keys() == network.state_dict().keys()
    assert torch.equal(taken["backbone.0.bias"], network.backbone[0].bias + 1)
    assert torch.equal(taken["roi_head.bbox_head.bias"], network.roi_head.bbox_head.bias)
    assert line == (
        "9 of 11 weights from x.pth, the rest: it lacks 1 of 11 weights, 1 of roi_head.bbox_head "
        "(roi_head.bbox_head.bias); 1 are of another shape or type, 1 of roi_head.bbox_head "
        "(roi_head.bbox_head.weight): roi_head.bbox_head.weight is (7, 4) there and (2, 4) here"
    )
    assert take_what_fits(network, state(network))[1] == ""
    with pytest.raises(InputError, match=r"nothing of the checkpoint x\.pth fits"):
        take_what_fits(network, dict(other=torch.zeros(1)), "x.pth")


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


@pytest.fixture
def bomb(tmp_path):
    """A checkpoint that runs code where it is let, and the file which that writes."""
    path, trace = tmp_path / "bomb.pth", tmp_path / "trace"
    torch.save(dict(state_dict=state(Network()), meta=Bomb(trace)), path)
    yield path, trace
    trust_checkpoints(False)


def test_no_code_of_a_checkpoint_runs_unless_it_is_trusted(bomb, network):
    path, trace = bomb
    for url in (str(path), path.as_uri()):
        with pytest.raises(InputError, match=r"it asks for exec; .*add --trust-checkpoint"):
            load_checkpoint(network, url) if "://" not in url else read(url)
        assert not trace.exists()
    trust_checkpoints(True)
    load_checkpoint(network, str(path))
    assert trace.exists()
    with pytest.raises(InputError, match="trust_checkpoint: expected True or False, got 'yes'"):
        trust_checkpoints("yes")


def read(url: str) -> object:
    from mmengine.runner.checkpoint import load_url

    return load_url(url, model_dir=url.removeprefix("file://") + ".cache", progress=False)


def test_what_mmengine_keeps_is_read(tmp_path):
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    kept = dict(
        history=history,
        scalars=[np.float64(3), np.float32(4), np.int64(5), np.bool_(True)],
        arrays=[np.arange(3), np.zeros(2, np.float32), np.array(["a"])],
        plain=[(1, 2), {3}, b"4", OrderedDict(a=None)],
    )
    torch.save(kept, tmp_path / "kept.pth")
    found = CheckpointLoader.load_checkpoint(str(tmp_path / "kept.pth"))
    assert found["history"].mean() == history.mean()
    assert found["scalars"] == kept["scalars"]
    for first, second in zip(found["arrays"], kept["arrays"], strict=True):
        assert np.array_equal(first, second)
    assert found["plain"] == kept["plain"]


@pytest.mark.parametrize("code", ["HistoryBuffer.mean", "HistoryBuffer.update", "dict.fromkeys"])
def test_of_an_attribute_only_statistics_are_read(tmp_path, code):
    torch.save([eval(code)], tmp_path / "old.pth")
    if code.endswith("mean"):
        assert CheckpointLoader.load_checkpoint(str(tmp_path / "old.pth")) == [HistoryBuffer.mean]
        return
    with pytest.raises(InputError, match="it asks for"):
        CheckpointLoader.load_checkpoint(str(tmp_path / "old.pth"))


def saved(zipped: bool) -> bytes:
    file = io.BytesIO()
    torch.save(dict(a=torch.zeros(3)), file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


#: Saved once: the old form holds addresses, which have more digits at one time than at another.
SAVED = (saved(False), saved(True))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_bytes_end_in_one_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "x.pth"
    whole = bytearray(data.draw(st.sampled_from(SAVED)))
    cut = data.draw(st.integers(0, len(whole)))
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[:cut])
    with suppress(InputError):  # any other error fails
        CheckpointLoader.load_checkpoint(str(path))


def test_a_plain_pickle_is_no_checkpoint(tmp_path):
    (tmp_path / "x.pth").write_bytes(pickle.dumps(dict(a=1)))
    with pytest.raises(InputError, match="cannot be read as weights"):
        CheckpointLoader.load_checkpoint(str(tmp_path / "x.pth"))


@pytest.mark.parametrize(
    "name",
    [
        "torchvision://none",
        "open-mmlab://none",
        "mmcls://none",
        "file:///none.pth",
        "odd://none",
        "s3://none/x.pth",
        "pavi://none",
        "none.pth",
    ],
)
def test_a_name_that_leads_nowhere_is_said_in_one_line(name):
    with pytest.raises(InputError, match=re.escape(f"checkpoint {name} cannot be read (")) as error:
        CheckpointLoader.load_checkpoint(name)
    assert "\n" not in str(error.value)
