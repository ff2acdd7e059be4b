"""Batches of equal shapes: what a picture is padded to must not depend on its batch-mates."""

from collections.abc import Iterator

from mmdet.structures import SampleList
from torch import Tensor


def of_equal_shape(
    batch_inputs: Tensor, batch_data_samples: SampleList
) -> Iterator[tuple[Tensor, SampleList]]:
    """The pictures of each padded shape, cut back to it; in a batch of one shape all of them.

    Group norms, pooled attention and biases before borders see padding: MMDetection's answer for a
    picture depends on the largest one beside it. The shape of a picture's own padding is its
    sample's ``pad_shape``, which MMDetection's ``DetDataPreprocessor`` gives; one without it
    stays as it is.

    Args:
        batch_inputs: (N, 3, H, W), each picture padded to the right and below.
        batch_data_samples: N; ``batch_input_shape`` becomes the shape that a picture is cut to.
    """
    whole = tuple(batch_inputs.shape[-2:])
    groups: dict[tuple[int, int], list[int]] = {}
    for place, sample in enumerate(batch_data_samples):
        groups.setdefault(tuple(sample.metainfo.get("pad_shape", whole)[:2]), []).append(place)
    if len(groups) <= 1:
        yield batch_inputs, batch_data_samples
        return
    for (height, width), places in groups.items():
        samples = [batch_data_samples[place] for place in places]
        for sample in samples:
            sample.set_metainfo(dict(batch_input_shape=(height, width)))
        yield batch_inputs[places, :, :height, :width], samples
