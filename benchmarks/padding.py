"""How much of a batch is padding, and how much a rank works on, for pictures of COCO's sizes.

    python benchmarks/padding.py [--images 20000]

Nothing is read: the sizes are drawn with the shares of COCO's most frequent ones, resized as
``coco_panoptic.py`` does (1333 x 800) and padded to multiples of 32. Before: pictures share a batch
as they come. After: as the project puts them together.
"""

import argparse
import random
from itertools import islice

from mmcv.image import rescale_size
from mmengine.dataset import InfiniteSampler

from mmpanonas.datasets.batches import InfiniteGroupBatchSampler, cut_by_shape

#: Percent of the pictures by height and width: the most frequent sizes of COCO, 22 % portrait.
SHARES = {
    **{(480, 640): 24, (427, 640): 17, (640, 480): 7.5, (426, 640): 5.5, (640, 427): 5},
    **{(375, 500): 4.6, (428, 640): 3, (425, 640): 3, (333, 500): 2.6, (424, 640): 2.2},
    **{(640, 426): 2.2, (500, 375): 1.7, (640, 640): 1.7, (360, 640): 1.6, (612, 612): 1.2},
    **{(640, 428): 1, (640, 425): 1, (429, 640): 1, (500, 333): 1, (423, 640): 1},
    **{(334, 500): 0.7, (332, 500): 0.7, (478, 640): 0.7, (512, 640): 0.5, (359, 640): 0.5},
    **{(640, 360): 0.4, (500, 500): 0.4, (458, 640): 0.3, (383, 640): 0.3, (640, 478): 0.3},
    **{(320, 480): 0.3, (281, 500): 0.3, (361, 640): 0.3, (640, 512): 0.2, (480, 360): 0.2},
    **{(427, 570): 0.2, (400, 600): 0.2, (240, 320): 0.2, (302, 640): 0.2, (480, 319): 0.2},
    **{(612, 640): 0.2, (640, 612): 0.1, (640, 286): 0.1, (213, 640): 0.1, (556, 640): 0.1},
}
SCALE, DIVISOR = (1333, 800), 32


class Sizes:
    """A data set of which sizes alone are known."""

    def __init__(self, count: int, seed: int = 0) -> None:
        draw = random.Random(seed).choices
        self.sizes = draw(list(SHARES), list(SHARES.values()), k=count)

    def __len__(self) -> int:
        return len(self.sizes)

    def get_data_info(self, idx: int) -> dict:
        return dict(zip(("height", "width"), self.sizes[idx], strict=True))

    def resized(self, index: int) -> tuple[int, int]:
        """Height and width of a picture as the network sees it, unpadded."""
        height, width = self.sizes[index]
        return rescale_size((width, height), SCALE)[::-1]

    def pixels(self, batch: list[int]) -> int:
        """Of a batch, padding included."""
        sides = zip(*map(self.resized, batch), strict=True)
        height, width = (-(-max(side) // DIVISOR) * DIVISOR for side in sides)
        return len(batch) * height * width

    def padding(self, batches: list[list[int]]) -> float:
        """Percent of the pixels of all batches."""
        own = [height * width for batch in batches for height, width in map(self.resized, batch)]
        return 100 * (1 - sum(own) / sum(map(self.pixels, batches)))


def cut(places: list[int], size: int) -> list[list[int]]:
    """As they come."""
    return [places[i : i + size] for i in range(0, len(places), size)]


def recalibration(sizes: Sizes) -> tuple[float, float]:
    """Padding of 500 pictures in batches of 16, before and after."""
    places = [i * len(sizes) // 500 for i in range(500)]
    return sizes.padding(cut(places, 16)), sizes.padding(cut_by_shape(sizes, places, 16))


def training(sizes: Sizes, ranks: int = 8) -> dict[str, list[list[int]]]:
    """An epoch's batches of two of all ranks, in turn, by what puts them together."""
    order = InfiniteSampler(sizes, seed=0)
    count = len(sizes) // 2 // ranks * ranks
    places = list(islice(order, 2 * count))
    grouped = InfiniteGroupBatchSampler(InfiniteSampler(sizes, seed=0), 2)
    return dict(before=cut(places, 2), after=list(islice(grouped, count)))


def slowest(sizes: Sizes, batches: list[list[int]], ranks: int = 8) -> float:
    """Megapixels a picture of the rank that has most to do in a step, mean over the steps."""
    work = [sizes.pixels(batch) / len(batch) / 1e6 for batch in batches]
    steps = [max(work[i : i + ranks]) for i in range(0, len(work), ranks)]
    return sum(steps) / len(steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000)
    sizes = Sizes(parser.parse_args().images)
    print(f"a test picture: {sizes.padding(cut(list(range(len(sizes))), 1)):.1f} % padding")
    before, after = recalibration(sizes)
    print(f"recalibration, 500 in batches of 16: {before:.1f} % before, {after:.1f} % after")
    for name, batches in training(sizes).items():
        print(
            f"training, 8 ranks of 2, {name}: {sizes.padding(batches):.1f} %, slowest rank "
            f"{slowest(sizes, batches):.2f} megapixels a picture, largest batch "
            f"{max(map(sizes.pixels, batches)) / 2e6:.2f}"
        )


if __name__ == "__main__":
    main()
