"""A study of budgets: which networks of equal cost are trained, and what finds them."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from mmpanonas.space import Arch, Budget, Limits, NetworkShape, space_of
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
            yield f"finalists {name}", self._held_out(self.finalists(limit))
            rivals = [self.searched(limit), self.plain(limit), self.widened_to(limit)]
            yield f"train {name}", self._seeds(rivals)
            yield f"draw {name}", self._held_out(self.drawn_at(limit))
            yield f"train luckiest {name}", self._seeds([self.luckiest(limit)])

    def sides(self, limit: float) -> dict[str, Network]:
        """The networks that are compared at a limit, as far as they are trained, by name."""
        known = self.found()
        if search_key(limit) not in known or not self.judged(self.finalists(limit)):
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
        """What the search of this limit gave to be trained."""
        return [Network(Arch.from_dict(a)) for a in self.found()[search_key(limit)]["finalists"]]

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
        if limit not in self._drawn:
            self._drawn[limit] = self._draw(limit)
        return self._drawn[limit]

    @cached_property
    def _drawn(self) -> dict[float, list[Network]]:
        return {}

    def _draw(self, limit: float) -> list[Network]:
        model = merged(self.supernet.model, self.plan.lucky)
        space, shape = space_of(model), NetworkShape.of_model(model)
        keeps = Limits([self.limits(limit)], space, shape)
        rng = np.random.default_rng([self.plan.seed, round(limit)])
        found: dict[Arch, None] = {}
        while len(found) < self.plan.draws:
            arch = keeps.repaired(rng.integers(space.num_choices), rng)
            if arch is not None:
                found[arch] = None
        return [Network(arch, dict(self.plan.lucky)) for arch in found]

    def luckiest(self, limit: float) -> Network:
        """The one of them that scores best on nas_val."""
        return self._best_alone(self.drawn_at(limit))

    def _best_alone(self, networks: list[Network]) -> Network:
        known = self.found()

        def score(network: Network) -> float:
            return pq(dict(alone=[known[network_key(network, 0, held_out=True)]]))

        return max(networks, key=score)


def search_key(limit: float) -> str:
    """The name of the job that searches within ``limit``."""
    return f"search-{limit:.0f}"
