"""DetNAS's evolution (Chen et al., NeurIPS 2019)."""

import math
from collections.abc import Iterator

import numpy as np

from mmpanonas.errors import InputError
from mmpanonas.space import Arch, SearchSpace
from mmpanonas.strategies.generations import Generations
from mmpanonas.strategies.strategy import Legal
from mmpanonas.values import Count, PositiveInt, Probability, Seed, checked


def mutate(codes: np.ndarray, num_choices: np.ndarray, prob: float, rng) -> np.ndarray:
    """Redraw each layer with probability ``prob``; (layers,) integer codes in and out."""
    redrawn = rng.integers(num_choices)
    return np.where(rng.random(len(codes)) < prob, redrawn, codes)


def cross(first: np.ndarray, second: np.ndarray, rng) -> np.ndarray:
    """Take each layer from either parent with equal chance."""
    return np.where(rng.random(len(first)) < 0.5, first, second)


class Evolution(Generations):
    """Generations of mutants, crosses and random architectures; no architecture twice.

    Args:
        space, seed, legal: as in ``Strategy``.
        generations: 20 in DetNAS, each of ``population`` architectures.
        parents: the best of all told so far breed, never one that failed.
        mutants, crosses: children per generation; the rest is random, as is all of a
            generation without parents, such as the first.
        mutation_prob: of each layer.
        max_draws: as in ``Generations``; a mutant or cross that fails becomes random.

    Raises:
        InputError: impossible numbers, or nothing to search.
    """

    @checked
    def __init__(
        self,
        space: SearchSpace,
        seed: Seed = 0,
        legal: Legal | None = None,
        generations: PositiveInt = 20,
        population: PositiveInt = 50,
        parents: PositiveInt = 10,
        mutants: Count = 20,
        crosses: Count = 20,
        mutation_prob: Probability = 0.1,
        max_draws: PositiveInt = 1000,
    ) -> None:
        super().__init__(space, seed, legal, generations, population, max_draws)
        if mutants + crosses > population:
            raise InputError(
                f"mutants ({mutants}) and crosses ({crosses}) exceed the population ({population})"
            )
        self.parents, self.mutants, self.crosses = parents, mutants, crosses
        self.seats = parents
        self.mutation_prob = mutation_prob
        self._breeding: list[Arch] = []
        self._advance()

    def best(self, count: int) -> list[Arch]:
        """The ``count`` best told so far, without failed ones; of equals the earlier proposed."""
        order = {arch: place for place, arch in enumerate(self._born)}
        able = [arch for arch, score in self.scores.items() if math.isfinite(score)]
        return sorted(able, key=lambda arch: (-self.scores[arch], order[arch]))[:count]

    def report(self) -> dict:
        """The current ``generation``, the ``note``, and who is in the generation.

        ``population`` and its ``parents`` hold places in the order of proposals, which are the
        indices of the results.
        """
        order = {arch: place for place, arch in enumerate(self._born)}
        return dict(
            generation=self._generation,
            population=[
                order[arch] for arch, born in self._born.items() if born == self._generation
            ],
            parents=[order[arch] for arch in self._breeding],
            note=self.note,
        )

    def _breed(self, rng: np.random.Generator) -> Iterator[Arch | None]:
        self._breeding = self.best(self.parents)
        parents = [self.space.encode(arch) for arch in self._breeding]

        def random() -> np.ndarray:
            return rng.integers(self.space.num_choices)

        def mutant() -> np.ndarray:
            parent = parents[rng.integers(len(parents))]
            return mutate(parent, self.space.num_choices, self.mutation_prob, rng)

        def crossed() -> np.ndarray:
            first, second = rng.integers(len(parents), size=2)
            return cross(parents[first], parents[second], rng)

        makers = [mutant] * self.mutants + [crossed] * self.crosses if parents else []
        for make in makers:
            yield self._draw(make) or self._draw(random)
        for _ in range(self.population - len(makers)):
            yield self._draw(random)


class Random(Evolution):
    """The baseline: ``total`` different architectures, drawn uniformly.

    Args:
        space, seed, legal, max_draws: as in ``Evolution``.
        total: evaluations.
    """

    grows = frozenset({"total"})

    @checked
    def __init__(
        self,
        space: SearchSpace,
        seed: Seed = 0,
        legal: Legal | None = None,
        total: PositiveInt = 1000,
        max_draws: PositiveInt = 1000,
    ) -> None:
        super().__init__(space, seed, legal, 1, total, 1, 0, 0, max_draws=max_draws)
