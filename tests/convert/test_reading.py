"""Files of weights: the forms that are read, and the code that is not run."""

import io
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from mmpanonas.convert import read_state
from mmpanonas.errors import InputError

STATE = OrderedDict(
    weight=torch.randn(2, 3), bias=torch.nn.Parameter(torch.randn(2)), count=torch.tensor(7)
)


def torch_file(content: object, archive: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=archive)
    return buffer.getvalue()


ARRAYS = {key: value.detach().numpy() for key, value in STATE.items()}
FORMS = {
    "PyTorch's archive": torch_file(STATE),
    "PyTorch's old format": torch_file(STATE, archive=False),
    "a pickle of tensors": pickle.dumps(STATE),
    "a pickle of arrays": pickle.dumps(ARRAYS),
    "Python 2's protocol": pickle.dumps(ARRAYS, protocol=2),
    "a number among arrays": pickle.dumps(ARRAYS | {"count": np.int64(7)}),
    "a trainer's file": torch_file({"model": STATE, "optimizer": {"lr": 0.1}, "iteration": 3}),
    "wrapped twice": torch_file({"model": {"state_dict": STATE}}),
    "Detectron's blobs": pickle.dumps({"blobs": ARRAYS}),
    "of a parallel module": torch_file({f"module.{key}": STATE[key] for key in STATE}),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_weights(form, tmp_path):
    path = tmp_path / "weights.pkl"
    path.write_bytes(FORMS[form])
    state = read_state(path)
    assert list(state) == list(STATE)
    for key, value in STATE.items():
        assert isinstance(state[key], torch.Tensor)
        assert state[key].dtype == value.dtype
        assert torch.equal(state[key], value)


class Malicious:
    """What a hostile file holds: unpickled freely, it makes a folder."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def inside_a_storage(content: object) -> bytes:
    """A tensor in a plain pickle brings PyTorch's own format along: here, a hostile one."""

    class Storage:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (torch_file(content, archive=False),)

    return pickle.dumps({"weight": Storage()})


HOSTILE = {
    "archive": torch_file,
    "old format": lambda content: torch_file(content, archive=False),
    "pickle": pickle.dumps,
    "within a tensor": inside_a_storage,
}


@pytest.mark.parametrize("form", HOSTILE)
def test_code_in_a_file_is_not_run(form, tmp_path):
    made = tmp_path / "made"
    path = tmp_path / "weights.pkl"
    path.write_bytes(HOSTILE[form]({"weight": STATE["weight"], "more": Malicious(made)}))
    with pytest.raises(InputError, match=r"was not read: it asks for posix\.mkdir") as caught:
        read_state(path)
    assert "\n" not in str(caught.value)
    assert not made.exists()
    pickle.loads(pickle.dumps(Malicious(made)))  # what would have happened
    assert made.is_dir()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (FORMS["PyTorch's archive"][:-100], "cut short"),
        (FORMS["PyTorch's old format"][:-5], "cut short"),
        (FORMS["a pickle of arrays"][:-30], "cut short"),
        (b"", "cut short"),
        (b"not weights at all", "no PyTorch file or pickle"),
        (b"\x89PNG\r\n\x1a\n", "no PyTorch file or pickle"),
        (pickle.dumps({}), "holds an empty dictionary"),
        (torch_file({"model": {}}), "holds an empty dictionary"),
        (pickle.dumps([1, 2]), "holds a list; expected a dictionary of weights"),
        (pickle.dumps({"model": "resnet"}), "'model' is a str; expected a dictionary of weights"),
        (pickle.dumps({3: STATE["weight"]}), "3 is a Tensor; expected a dictionary"),
        (pickle.dumps({"a": np.array(["x", None])}), "'a' is a ndarray; expected a dictionary"),
        (pickle.dumps({"a": ARRAYS["count"], "module.a": ARRAYS["count"]}), "holds a twice"),
    ],
)
def test_what_is_no_file_of_weights_is_one_clear_error(content, message, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_state(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_absent_file_and_a_folder_are_one_clear_error(tmp_path):
    with pytest.raises(InputError, match=r"none\.pth: No such file"):
        read_state(tmp_path / "none.pth")
    with pytest.raises(InputError, match="Is a directory"):
        read_state(tmp_path)
