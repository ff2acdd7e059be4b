"""Names of written files: folders stay, names differ, nothing leaves its folder."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpanonas.errors import InputError
from mmpanonas.file_names import check_apart, dataset_names, name_below, picture_names


class Leaf:
    """A built data set: pictures below ``images``, maps (or None) below ``maps``."""

    def __init__(self, root: str, *names: str, maps: bool = False) -> None:
        self.data_prefix = dict(img=f"{root}/images", seg=f"{root}/maps")
        self.names, self.maps = names, maps

    def __len__(self) -> int:
        return len(self.names)

    def get_data_info(self, place: int) -> dict:
        name = self.names[place]
        png = f"{self.data_prefix['seg']}/m_{os.path.splitext(name)[0]}.png" if self.maps else None
        return dict(img_path=f"{self.data_prefix['img']}/{name}", seg_map_path=png)


def test_a_data_sets_names_keep_their_folders_and_differ():
    leaf = Leaf("d", "seq0/1.jpg", "seq1/1.jpg", "a.jpg", "a.png", "../../x/b.jpg", "../c.jpg")
    names = dataset_names(SimpleNamespace(dataset=leaf), of_maps=True)
    assert list(names.values()) == ["seq0/1", "seq1/1", "a", "a_2", "x/b", "c"]
    assert next(iter(names)) == "d/images/seq0/1.jpg"
    assert list(dataset_names(Leaf("d", "1.jpg", maps=True), of_maps=True).values()) == ["m_1"]
    assert list(dataset_names(Leaf("d", "1.jpg", maps=True), of_maps=False).values()) == ["1"]


def test_names_of_several_data_sets_begin_at_their_common_folder():
    both = SimpleNamespace(datasets=[Leaf("d/x", "1.jpg"), Leaf("d/y", "1.jpg")])
    assert list(dataset_names(both, False).values()) == ["x/images/1", "y/images/1"]
    assert dataset_names(SimpleNamespace(metainfo={}), False) == {}


def test_names_of_given_pictures():
    array = np.zeros(1)
    assert picture_names(["x/a.jpg", array, "y/b.png"]) == ["a", "00000002", "b"]
    assert picture_names(["x/a.jpg", array, "y/a.png", "b.jpg"]) == ["x/a", "00000002", "y/a", "b"]
    assert picture_names(["a.jpg", "a.png", "a.jpg"]) == ["a", "a_2", "a_3"]
    assert picture_names(["http://h/x/a.jpg", "http://h/y/a.jpg"]) == ["a", "a_2"]


PARTS = st.sampled_from(["..", ".", "a", "b", "a.jpg", "b.png", ".x", "c d", "\u00e9$"])


@given(st.lists(st.lists(PARTS, min_size=1, max_size=5), min_size=1, max_size=8), st.booleans())
def test_no_name_leaves_its_folder_and_all_differ(ways, absolute):
    paths = ["/" * absolute + "/".join(way) for way in ways]
    names = picture_names(paths)
    below = [name_below(path, "some/root") for path in paths]
    assert len(set(names)) == len(names)
    for name in names + below:
        assert os.path.normpath(os.path.join("/out", name)).startswith("/out/")
        assert not os.path.isabs(name)


def test_inputs_are_not_overwritten(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    inputs = [str(tmp_path / "in/a.png"), str(tmp_path / "in/b.jpg")]
    check_apart(tmp_path / "in", ["b", "c", "in/a"], inputs, "--out-dir")
    with pytest.raises(InputError, match=r"--out-dir would overwrite the input .*link/a\.png"):
        check_apart(tmp_path / "link", ["a"], inputs, "--out-dir")
    assert Path(inputs[0]).parent.is_dir()
