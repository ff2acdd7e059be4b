"""Who leaves a race after a rung: a number of pictures that all who are left have seen."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Annotated

import numpy as np

from mmpanonas.errors import InputError
from mmpanonas.racing.counts import PictureCounts, standard_error
from mmpanonas.values import NotNegative, Probability, checked, number, several


@dataclass(frozen=True)
class Contestant:
    """A candidate in a race, as far as it got.

    Attributes:
        counts: of the rung's pictures.
        cost: a strategy's second goal; 0 where it has none.
    """

    counts: PictureCounts
    cost: float = 0.0

    @cached_property
    def quality(self) -> float:
        """PQ in percent."""
        return self.counts.quality

    @cached_property
    def left_out(self) -> np.ndarray:
        """PQ without each picture."""
        return self.counts.left_out


class Race(ABC):
    """Rungs, and who leaves after each.

    A candidate has rivals in those that cost no more than it does; the ``seats`` best of them
    matter to the strategy.
    """

    @abstractmethod
    def rungs(self, pictures: int) -> list[int]:
        """How many pictures whoever is left has seen after each rung, rising; the last: all."""

    @abstractmethod
    def leaving(
        self,
        field: Sequence[Contestant],
        finished: Sequence[Contestant],
        seats: int,
        pictures: int,
    ) -> list[int]:
        """Places in ``field`` of those that leave.

        Args:
            field: who is left, on the pictures of the rung.
            finished: those of earlier races that have seen all pictures, on the same ones.
            seats: how many of the best are wanted; so many always stay.
            pictures: in all.
        """


class Halving(Race):
    """Successive halving: after each rung the better part goes on.

    Args:
        rungs: shares of the pictures.
        keep: share of the candidates that goes on.

    Raises:
        InputError: shares that do not rise.
    """

    @checked
    def __init__(
        self,
        rungs: Annotated[Sequence[float], several(number(above=0, high=1))] = (0.125, 0.25, 0.5),
        keep: Probability = 0.5,
    ) -> None:
        if list(rungs) != sorted(set(rungs)):
            raise InputError(f"val_cfg.race.rungs: expected rising shares, got {rungs}")
        self.shares, self.keep = tuple(rungs), keep

    def rungs(self, pictures: int) -> list[int]:
        """See ``Race``."""
        return sorted({max(1, round(share * pictures)) for share in self.shares} | {pictures})

    def leaving(
        self,
        field: Sequence[Contestant],
        finished: Sequence[Contestant],
        seats: int,
        pictures: int,
    ) -> list[int]:
        """See ``Race``."""
        better = [
            sum(_is_rival(o, c) and o.quality > c.quality for o in (*field, *finished))
            for c in field
        ]
        order = sorted(range(len(field)), key=lambda place: (better[place], place))
        return sorted(order[max(seats, math.ceil(self.keep * len(field))) :])


class PairedTest(Race):
    """Who is behind ``seats`` rivals by more than chance leaves.

    Chance is the jackknife's standard error of the difference of both PQs over the pictures that
    both have seen, which differ far less from each other than from picture to picture.

    Args:
        first, step: shares of the pictures that the first rung has, and each further one adds.
        z: how many standard errors behind are too many.
    """

    @checked
    def __init__(
        self,
        first: Annotated[float, number(above=0, high=1)] = 0.08,
        step: Annotated[float, number(above=0, high=1)] = 0.04,
        z: NotNegative = 3.0,
    ) -> None:
        self.first, self.step, self.z = first, step, z

    def rungs(self, pictures: int) -> list[int]:
        """See ``Race``."""
        count = math.ceil((1 - self.first) / self.step - 1e-9)
        shares = [self.first + place * self.step for place in range(count)]
        return sorted({max(1, round(share * pictures)) for share in shares} | {pictures})

    def leaving(
        self,
        field: Sequence[Contestant],
        finished: Sequence[Contestant],
        seats: int,
        pictures: int,
    ) -> list[int]:
        """See ``Race``."""
        best_first = sorted((*field, *finished), key=lambda each: -each.quality)
        return [
            place
            for place, one in enumerate(field)
            if self._beaten(one, best_first, seats, pictures)
        ]

    def _beaten(
        self, one: Contestant, best_first: Sequence[Contestant], seats: int, pictures: int
    ) -> bool:
        winners = (other for other in best_first if self._beats(other, one, pictures))
        return next(islice(winners, seats - 1, None), None) is not None

    def _beats(self, other: Contestant, one: Contestant, pictures: int) -> bool:
        ahead = other.quality - one.quality
        if ahead <= 0 or not _is_rival(other, one):
            return False
        return ahead > self.z * standard_error(other.left_out - one.left_out, pictures)


def _is_rival(other: Contestant, one: Contestant) -> bool:
    return other is not one and other.cost <= one.cost


#: By the ``type`` of ``val_cfg.race``.
RACES: dict[str, type[Race]] = {"halving": Halving, "paired": PairedTest}
