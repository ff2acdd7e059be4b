"""What an earlier version wrote is read: a search that was killed, a checkpoint, an architecture.

The files in ``made_before`` were written before packages moved and operations became data.
"""

import shutil

import pytest
import torch
from mmdet.registry import MODELS

from mmpanonas.checkpoints.weights import held_choices
from mmpanonas.records import read_search
from mmpanonas.space import Arch
from tests.conftest import ROOT
from tests.execution.helpers import Faulty, files, search

MADE = ROOT / "tests/made_before"
BACKBONE = dict(
    type="SearchableShuffleNetV2", channels=(2, 4, 6, 8, 10), blocks=(1, 1, 1, 1), arch=None
)


def test_a_killed_search_goes_on_to_the_same_bytes(tmp_path):
    """Its third candidate had failed, the eighth was being evaluated."""
    shutil.copytree(MADE / "search", tmp_path / "old")
    data = read_search(tmp_path / "old")
    assert [c.index for c in data.candidates] == list(range(7))
    assert [c.index for c in data.failed] == [3]
    evaluate = Faulty({})
    search(tmp_path / "old", evaluate, max_tries=1)
    assert len(evaluate.archs) == 12 - 7
    search(tmp_path / "new", Faulty({3: ValueError("bad")}), max_tries=1)
    assert files(tmp_path / "old") == files(tmp_path / "new")


@pytest.mark.parametrize("fixed", [False, True])
def test_a_checkpoint_and_an_architecture_compute_what_they_did(fixed):
    content = torch.load(MADE / "supernet.pth", weights_only=True)
    arch = Arch.load(MADE / "arch.json")
    assert set(map(len, held_choices(content["state_dict"]).values())) == {4}
    network = MODELS.build(BACKBONE | (dict(arch=arch) if fixed else {})).eval()
    missing, left_over = network.load_state_dict(content["state_dict"], strict=not fixed)
    assert not missing
    assert bool(left_over) == fixed
    network.set_arch(arch)
    with torch.no_grad():
        maps = network(torch.linspace(-1, 1, 3 * 32 * 32).view(1, 3, 32, 32))
    assert [float(x.sum()) for x in maps] == pytest.approx(content["sums"], rel=1e-4)
