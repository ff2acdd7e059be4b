"""The evaluator of a search: pictures read once, nothing left from candidate to candidate."""

import gc
import platform

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner

from mmpanonas.errors import InputError
from mmpanonas.evaluation import PanopticQualityMetric
from mmpanonas.recalibration import RecalibrationBatches
from mmpanonas.search import CandidateEvaluator, EvaluationSettings
from mmpanonas.search.agreement import check_files, search_files
from mmpanonas.search.evaluator import evaluator_of_config
from mmpanonas.search.pictures import KeptPictures, OrderedSampler
from tests.conftest import SEED

#: Bytes of each of the four pictures of nas_val, enlarged to 128 x 128.
PICTURE = 3 * 128 * 128


@pytest.fixture
def config(shapes_config):
    return shapes_config("search_evolution")


@pytest.fixture
def build_loader(config):
    """A function from a batch size and a number of reading processes to a loader of nas_val."""

    def build(batch_size: int = 1, workers: int = 0):
        options = dict(batch_size=batch_size, num_workers=workers)
        options |= dict(persistent_workers=workers > 0, sampler=dict(type="OrderedSampler"))
        return Runner.build_dataloader(dict(config.val_dataloader, **options))

    return build


@pytest.fixture
def read(monkeypatch, build_loader):
    """Places of the pictures that this process decodes."""
    places, kind = [], type(build_loader().dataset)
    original = kind.__getitem__
    monkeypatch.setattr(kind, "__getitem__", lambda self, i: places.append(i) or original(self, i))
    return places


def contents(batches) -> list:
    return [
        ([x.numpy().tobytes() for x in batch["inputs"]], [s.img_id for s in batch["data_samples"]])
        for batch in batches
    ]


@pytest.mark.parametrize(
    ("batch_size", "fit", "again"),
    [(1, 0, [0, 1, 2, 3]), (1, 2.5, [2, 3]), (1, 4, []), (3, 3, [3]), (3, 2, [0, 1, 2, 3])],
)
def test_pictures_that_fit_are_decoded_once(build_loader, read, batch_size, fit, again):
    plain = contents(build_loader(batch_size))
    pictures = KeptPictures(build_loader(batch_size), 0)
    pictures._room = int(fit * PICTURE)
    assert contents(pictures) == plain
    read.clear()
    for _ in range(2):
        assert contents(pictures) == plain
    assert read == again * 2


@pytest.mark.parametrize("fit", [0, 1.5, 4])
def test_parts_are_what_the_whole_is(build_loader, fit):
    plain = contents(build_loader())
    pictures = KeptPictures(build_loader(), 0)
    pictures._room = int(fit * PICTURE)
    for start, stop in ((2, 3), (0, 2), (2, 4), (0, 4), (1, 1)):
        assert contents(pictures.part(start, stop)) == plain[start:stop]
    assert contents(pictures) == plain


def test_a_race_draws_the_order_of_pictures():
    orders = [OrderedSampler(range(9), drawn=seed).order for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(range(9))


def test_a_pass_that_was_broken_off_is_taken_up(build_loader, read):
    plain = contents(build_loader())
    pictures = KeptPictures(build_loader(), 1)
    for _, batch in zip(range(2), pictures, strict=False):
        batch["data_samples"][0].set_field("written", "note")
    read.clear()
    assert contents(pictures) == plain
    assert read == [2, 3]
    assert not any("note" in sample for batch in pictures for sample in batch["data_samples"])


def test_reading_processes_go_on_where_memory_ends_and_stop_when_all_is_kept(build_loader):
    plain = contents(build_loader())
    some, all_of_them = (KeptPictures(build_loader(workers=1), 0) for _ in range(2))
    some._room, all_of_them._room = 2 * PICTURE, 4 * PICTURE
    for _ in range(3):
        assert contents(some) == plain
        assert contents(all_of_them) == plain
    assert some.loader._iterator is not None
    assert all_of_them.loader._iterator is None
    assert not any(x.is_shared() for batch in some._kept for x in batch["inputs"])


def live_tensors() -> int:
    gc.collect()
    return sum(issubclass(type(x), torch.Tensor) for x in gc.get_objects())


def test_later_candidates_decode_nothing_and_leave_nothing(config, build_loader, read):
    torch.manual_seed(SEED)
    model = MODELS.build(config.model).eval()
    loader = build_loader()
    evaluator = Evaluator([PanopticQualityMetric(table=False)])
    evaluator.dataset_meta = loader.dataset.metainfo
    batches = RecalibrationBatches(**config.val_cfg.recalibration)
    archs = [model.search_space.fair_path(0, i) for i in range(4)]
    keeping = CandidateEvaluator(model, batches, loader, evaluator)
    scores = [keeping(arch) for arch in archs]
    read.clear()
    assert [keeping(arch) for arch in archs] == scores
    assert read == []
    # The fourth leaves what the second has left.
    bare = CandidateEvaluator(model, batches, build_loader(), evaluator, EvaluationSettings(0))
    left = []
    for arch, score in zip(archs, scores, strict=True):
        assert bare(arch) == score
        left.append(live_tensors())
    assert max(left[2:]) <= left[1]


def test_a_worker_refuses_a_file_that_is_not_the_drivers(tmp_path):
    file = tmp_path / "supernet.pth"
    file.write_text("first")
    dataset = dict(data_root=str(tmp_path), ann_file="supernet.pth")
    parts = dict(val_dataloader=dict(dataset=dict(datasets=[dataset])))
    parts |= dict(val_cfg=dict(recalibration=dict(num_images=1)), load_from=str(file))
    files = search_files(Config(parts))
    assert files.keys() == {str(file)}
    check_files(files)
    file.write_text("another")
    message = rf"supernet\.pth on {platform.node()} is not the file that the search began with"
    with pytest.raises(InputError, match=message):
        evaluator_of_config({}, str(tmp_path), files)
    file.unlink()
    with pytest.raises(InputError, match=r"supernet\.pth: No such file"):
        check_files(files)
