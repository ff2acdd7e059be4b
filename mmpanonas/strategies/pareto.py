"""Two goals at once: the score against a cost, on pymoo's NSGA-II (Deb et al., 2002)."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.mutation import Mutation
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.repair import Repair
from pymoo.core.termination import NoTermination
from pymoo.operators.crossover.ux import UniformCrossover

from mmpanonas.errors import InputError
from mmpanonas.space import Arch, CostMeasure, Limits, SearchSpace, pareto_front
from mmpanonas.strategies.evolution import mutate
from mmpanonas.strategies.generations import Generations
from mmpanonas.strategies.strategy import Legal
from mmpanonas.values import ArgumentsOf, PositiveInt, Probability, Seed, checked, whole


class Pareto(Generations):
    """The front of the largest score at the smallest cost, by NSGA-II.

    The first generation is random. Each next one is NSGA-II's: parents win tournaments by
    dominance, then crowding; children take each layer from either parent, then each layer
    mutates; the best ``population`` of parents and children survive. What is told goes to
    NSGA-II in the order of proposal, so that neither the order of telling nor chunks matter.
    A candidate whose score is not finite has failed: it counts as violating a constraint, so
    it loses to every other one and is never on the front.

    Args:
        space, seed, legal: as in ``Strategy``.
        cost: the second goal, of an architecture. In a config the arguments of
            ``CostMeasure``, such as ``dict(quantity="macs", scope="network")``.
        cost_name: what the cost is and in which unit, for the report.
        generations, population: as in ``Generations``.
        mutation_prob: of each layer of a child.
        max_draws: as in ``Generations``; where NSGA-II's children fail, random ones follow.

    Raises:
        InputError: no cost, impossible numbers, or nothing to search.
    """

    @checked
    def __init__(
        self,
        space: SearchSpace,
        seed: Seed = 0,
        legal: Legal | None = None,
        cost: Annotated[Callable[[Arch], float] | None, ArgumentsOf(CostMeasure)] = None,
        cost_name: str = "cost",
        generations: PositiveInt = 20,
        population: Annotated[int, whole(2)] = 50,
        mutation_prob: Probability = 0.1,
        max_draws: PositiveInt = 1000,
    ) -> None:
        super().__init__(space, seed, legal, generations, population, max_draws)
        if cost is None:
            raise InputError(
                "strategy.cost: Pareto needs its second goal, such as "
                "cost=dict(quantity='macs', scope='network')"
            )
        self.cost, self.cost_name = cost, cost_name
        self._nsga = NSGA2(
            pop_size=population,
            crossover=UniformCrossover(),
            mutation=_Redraw(space.num_choices, mutation_prob),
            repair=_WithinLimits(space, self.limits) if self.limits else None,
            eliminate_duplicates=_OnlyNew(lambda codes: self._is_new(space.decode(codes))),
        )
        self._nsga.mating.n_max_iterations = max_draws
        layers = len(space.num_choices)
        problem = Problem(n_var=layers, n_obj=2, n_ieq_constr=1, xl=0, xu=space.num_choices - 1)
        self._nsga.setup(problem, termination=NoTermination())
        self._advance()

    #: Any better one of no greater cost takes a candidate off the front.
    seats = 1

    def second_goal(self, arch: Arch) -> float:
        """The cost."""
        return self.cost(arch)

    def tell(self, arch: Arch, score: float) -> None:
        """Record a score; the last of all puts the front into words."""
        super().tell(arch, score)
        if self.done:
            self.note = "; ".join(filter(None, (self.note, self._summary())))

    def report(self) -> dict:
        """The cost's name, the front of all told so far, and all points.

        ``front``: ``{arch, score, cost}`` by rising cost, hence rising score; of equal points
        the first proposed. ``candidates``: ``{score, cost}`` of all that did not fail, in the
        order of proposal.
        """
        archs = [arch for arch in self._born if math.isfinite(self.scores.get(arch, math.nan))]
        points = [dict(score=self.scores[arch], cost=self.cost(arch)) for arch in archs]
        front = [
            dict(arch=archs[place].to_dict(), **points[place])
            for place in pareto_front([(point["score"], point["cost"]) for point in points])
        ]
        return dict(cost=self.cost_name, front=front, candidates=points)

    def _breed(self, rng: np.random.Generator) -> Iterator[Arch | None]:
        children: Sequence[np.ndarray] = ()
        if self._born:
            self._nsga.random_state = rng
            last = [arch for arch, born in self._born.items() if born == self._generation - 1]
            told = [arch for arch in last if not math.isnan(self.scores[arch])]
            if told:
                self._nsga.tell(self._evaluated(told))
            offspring = self._nsga.ask()  # None where the space holds no further one
            children = () if offspring is None else offspring.get("X")
        for codes in children:
            yield self.space.decode(codes)
        for _ in range(self.population - len(children)):
            yield self._draw(lambda: rng.integers(self.space.num_choices))

    def _evaluated(self, archs: list[Arch]) -> Population:
        """What NSGA-II minimises: the negative score and the cost, and 1 for a failure."""
        scores = np.array([self.scores[arch] for arch in archs])
        failed = ~np.isfinite(scores)
        return Population.new(
            X=np.array([self.space.encode(arch) for arch in archs]),
            F=np.column_stack((-np.where(failed, 0, scores), [self.cost(a) for a in archs])),
            G=failed[:, None].astype(float),
        )

    def _summary(self) -> str:
        front = self.report()["front"]
        if not front:
            return "the front is empty: every candidate failed"
        least, most = front[0], front[-1]
        return (
            f"the front has {len(front)} of {len(self.scores)} architectures: from score "
            f"{least['score']:.4g} at {least['cost']:,.6g} to {most['score']:.4g} at "
            f"{most['cost']:,.6g} ({self.cost_name})"
        )


class _Redraw(Mutation):
    """Each layer of a child drawn anew with a probability: choices have no order."""

    def __init__(self, num_choices: np.ndarray, prob: float) -> None:
        super().__init__()
        self.num_choices, self.layer_prob = num_choices, prob

    def _do(self, problem: Problem, codes: np.ndarray, random_state, **kwargs) -> np.ndarray:
        return np.array([mutate(c, self.num_choices, self.layer_prob, random_state) for c in codes])


class _WithinLimits(Repair):
    """Children that break a budget, or do not spend it, are repaired."""

    def __init__(self, space: SearchSpace, limits: Limits) -> None:
        super().__init__()
        self.space, self.limits = space, limits

    def _do(self, problem: Problem, codes: np.ndarray, random_state, **kwargs) -> np.ndarray:
        repaired = [self.limits.repaired(one, random_state) for one in codes]
        pairs = zip(codes, repaired, strict=True)
        return np.array([c if arch is None else self.space.encode(arch) for c, arch in pairs])


class _OnlyNew(DuplicateElimination):
    """Drop the children that ``is_new`` (of codes) denies, and repetitions among them."""

    def __init__(self, is_new: Callable[[np.ndarray], bool]) -> None:
        super().__init__()
        self.is_new = is_new

    def _do(self, pop: Population, other: Population | None, drop: np.ndarray) -> np.ndarray:
        seen = {tuple(one.X) for one in (() if other is None else other)}
        for place, one in enumerate(pop):
            drop[place] = tuple(one.X) in seen or (other is None and not self.is_new(one.X))
            seen.add(tuple(one.X))
        return drop
