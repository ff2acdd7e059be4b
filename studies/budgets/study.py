"""A study of budgets: which networks of equal cost are trained, and what finds them."""

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from mmpanonas.errors import InputError
from mmpanonas.space import Arch, Budget, Limits, NetworkShape, space_of
from studies.budgets.choosing import predict, unlike
from studies.budgets.plan import BudgetPlan
from studies.ranking.baseline import merged
from studies.ranking.results import pq
from studies.ranking.study import Network, Study, network_job, network_key


class BudgetStudy(Study):
    """The state of such a study in its folder.

    A budget's searched network is chosen before any of its rivals is trained. Of a search's
    finalists, and of the lucky ones, that is compared which scores best on nas_val after a
    training of its own on nas_train.
    """

    plan_type, key = BudgetPlan, "budgets"

    def phases(self) -> Iterator[tuple[str, list[dict]]]:
        """Name and jobs of each step, which are known when the steps before it are done."""
        plan = self.plan
        yield (
            "train",
            [dict(kind="supernet", job=f"supernet-{s}", sampling=s) for s in plan.samplings],
        )
        for limit in plan.limits:
            name = f"{limit / 1e6:.4g} M"
            yield f"search {name}", [dict(kind="search", job=search_key(limit), limit=limit)]
            yield f"probe {name}", self._probes(limit)
            yield f"finalists {name}", self._held_out(self.finalists(limit))
            rivals = [self.searched(limit), self.plain(limit), self.widened_to(limit)]
            yield f"train {name}", self._seeds(rivals)
            yield f"draw {name}", self._held_out(self.drawn_at(limit))
            yield f"train luckiest {name}", self._seeds([self.luckiest(limit)])

    def sides(self, limit: float) -> dict[str, Network]:
        """The networks that are compared at a limit, as far as they are trained, by name."""
        known = self.found()
        before = {search_key(limit), *self.probe_keys(limit)}
        if not (before <= known.keys() and self.judged(self.finalists(limit))):
            return {}
        sides = dict(
            searched=self.searched(limit), plain=self.plain(limit), widened=self.widened_to(limit)
        )
        if self.judged(self.drawn_at(limit)):
            sides["luckiest"] = self.luckiest(limit)
        return {
            name: network
            for name, network in sides.items()
            if all(job["job"] in known for job in self._seeds([network]))
        }

    def judged(self, networks: list[Network]) -> bool:
        """Whether all of them are trained on nas_train and tested on nas_val."""
        return {job["job"] for job in self._held_out(networks)} <= self.found().keys()

    def finished(self) -> list[float]:
        """The limits at which the searched network and the plain one are trained."""
        return [n for n in self.plan.limits if {"searched", "plain"} <= self.sides(n).keys()]

    def worth_a_look(self) -> bool:
        """Whether a limit can be shown."""
        return bool(self.finished())

    def _seeds(self, networks: list[Network]) -> list[dict]:
        return [network_job(n, seed) for n in networks for seed in range(self.plan.seeds)]

    def _held_out(self, networks: list[Network]) -> list[dict]:
        return [network_job(n, 0, held_out=True) for n in networks]

    def limits(self, limit: float) -> Budget:
        """The budget of a limit."""
        return Budget(limit=limit, spend=self.plan.spend, **self.plan.cost)

    def finalists(self, limit: float) -> list[Network]:
        """What the search of this limit, and the prediction, gave to be trained."""
        found = [Arch.from_dict(arch) for arch in self.found()[search_key(limit)]["finalists"]]
        return [Network(arch) for arch in dict.fromkeys([*found, *self.predicted(limit)])]

    def predicted(self, limit: float) -> list[Arch]:
        """The best of a pool of draws, by what short trainings of a few say."""
        found = self.found()
        probes = zip(self.probes_at(limit), self.probe_keys(limit), strict=True)
        scores = {network.arch: _alone(found[key]) for network, key in probes}
        pool = [network.arch for network in self._pool(limit)]
        return unlike(predict(self.space, scores, pool), self.space, self.plan.finalists)

    def probes_at(self, limit: float) -> list[Network]:
        """The first of the pool, which are trained for a short time."""
        return self._pool(limit)[: self.plan.probes]

    def probe_keys(self, limit: float) -> list[str]:
        """The names of their jobs."""
        return [job["job"] for job in self._probes(limit)]

    def _probes(self, limit: float) -> list[dict]:
        length = self.plan.probe_iterations
        return [network_job(n, 0, held_out=True, iterations=length) for n in self.probes_at(limit)]

    def _pool(self, limit: float) -> list[Network]:
        """Architectures of the whole space that spend the limit."""
        return self._drawn(limit, None, self.plan.pool)

    def searched(self, limit: float) -> Network:
        """The best of them."""
        return self._best_alone(self.finalists(limit))

    def plain(self, limit: float) -> Network:
        """The network that nobody searched."""
        return self._scaled(self.plan.plain, limit)

    def widened_to(self, limit: float) -> Network:
        """The operations that the search of another study found."""
        return self._scaled(self.plan.widened, limit)

    def _scaled(self, rival: dict, limit: float) -> Network:
        return self.widened(Arch.from_dict(rival["arch"]), rival["model"], limit)

    def drawn_at(self, limit: float) -> list[Network]:
        """Plain operations at widths that nobody chose."""
        return self._drawn(limit, self.plan.lucky, self.plan.draws)

    def _drawn(self, limit: float, keys: Mapping | None, count: int) -> list[Network]:
        """Architectures that spend the limit, of the model with other ``keys``."""
        place = limit, keys is None
        if place not in self._known_draws:
            self._known_draws[place] = self._draw(limit, dict(keys or {}), count)
        return self._known_draws[place]

    @cached_property
    def _known_draws(self) -> dict[tuple[float, bool], list[Network]]:
        return {}

    def _draw(self, limit: float, keys: dict, count: int) -> list[Network]:
        model = merged(self.supernet.model, keys)
        space, shape = space_of(model), NetworkShape.of_model(model)
        keeps = Limits([self.limits(limit)], space, shape)
        rng = np.random.default_rng([self.plan.seed, round(limit)])
        found: dict[Arch, None] = {}
        for _ in range(100 * count):
            arch = keeps.repaired(rng.integers(space.num_choices), rng)
            if arch is not None:
                found[arch] = None
            if len(found) == count:
                return [Network(arch, keys) for arch in found]
        raise InputError(
            f"{100 * count} draws found {len(found)} of {count} networks that spend {limit:.4g}: "
            f"change budgets.limits, or ask for fewer (budgets.pool, budgets.draws)"
        )

    def luckiest(self, limit: float) -> Network:
        """The one of them that scores best on nas_val."""
        return self._best_alone(self.drawn_at(limit))

    def _best_alone(self, networks: list[Network]) -> Network:
        known = self.found()
        return max(networks, key=lambda n: _alone(known[network_key(n, 0, held_out=True)]))


def _alone(record: Mapping) -> float:
    """PQ of one training."""
    return pq(dict(alone=[record]))


def search_key(limit: float) -> str:
    """The name of the job that searches within ``limit``."""
    return f"search-{limit:.0f}"
