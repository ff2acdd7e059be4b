"""A picture's answer does not depend on the pictures that share its batch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.structures import DetDataSample

from mmpanonas.models.layers.equal_shapes import of_equal_shape
from tests.models.test_detector import eager

#: Heights and widths; of the first four no two are padded to one shape.
SIZES = [(40, 90), (90, 40), (64, 64), (33, 31), (60, 50)]


def batch(places: list[int]) -> dict:
    """Collated pictures, each the same wherever it stands."""
    inputs, samples = [], []
    for place in places:
        size = SIZES[place]
        generator = torch.Generator().manual_seed(place)
        inputs.append(torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=generator))
        meta = dict(img_id=place, img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
        samples.append(DetDataSample(metainfo=meta))
    return dict(inputs=inputs, data_samples=samples)


@torch.no_grad()
@pytest.mark.parametrize("places", [[0, 1, 2, 3], [3, 0]])
def test_a_map_is_that_of_the_picture_alone(shapes_config, places):
    model = eager(shapes_config("supernet"))
    together = model.test_step(batch(places))
    assert [sample.img_id for sample in together] == places
    for sample in together:
        (alone,) = model.test_step(batch([sample.img_id]))
        assert torch.equal(sample.pred_panoptic_seg.sem_seg, alone.pred_panoptic_seg.sem_seg)
        assert sample.batch_input_shape == alone.batch_input_shape
        assert sample.pred_panoptic_seg.sem_seg.max() > 1000  # things were found


@settings(deadline=None)
@given(st.lists(st.sampled_from(range(len(SIZES))), min_size=1, max_size=7))
def test_pictures_are_cut_back_to_their_own_padding_and_none_is_lost(places):
    whole = torch.zeros(len(places), 3, 96, 96)
    samples, shapes = batch(places)["data_samples"], []
    for sample, picture in zip(samples, whole, strict=True):
        height, width = sample.img_shape
        shapes.append(tuple(-(-side // 32) * 32 for side in sample.img_shape))
        sample.set_metainfo(dict(pad_shape=shapes[-1], batch_input_shape=(96, 96)))
        picture[:, :height, :width] = sample.img_id + 1
    groups = list(of_equal_shape(whole, samples))
    assert sorted(id(s) for _, group in groups for s in group) == sorted(map(id, samples))
    assert len(groups) == len(set(shapes))
    for inputs, group in groups:
        for picture, sample in zip(inputs, group, strict=True):
            height, width = sample.img_shape
            assert picture.sum() == 3 * height * width * (sample.img_id + 1)
            if len(groups) > 1:
                assert tuple(picture.shape[1:]) == sample.pad_shape == sample.batch_input_shape


def test_a_batch_of_one_shape_and_samples_without_padding_stay_as_they_are():
    whole = torch.zeros(2, 3, 64, 64)
    samples = batch([2, 4])["data_samples"]
    ((inputs, group),) = of_equal_shape(whole, samples)
    assert inputs is whole
    assert group is samples
