"""A ranking study: which networks are trained, what scores them, in which jobs."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from mmengine.config import Config

from mmpanonas.checkpoints.files import check_checkpoint
from mmpanonas.errors import InputError
from mmpanonas.files import write_atomically
from mmpanonas.records import Cache, JsonLines, check_identity
from mmpanonas.search.identity import FORMAT, annotated, annotation_file, digest
from mmpanonas.space import Arch, CostMeasure, NetworkShape, check_counted, space_of
from studies.ranking.baseline import merged, widths_of_cost
from studies.ranking.plan import StudyPlan
from studies.ranking.stratified import draw_stratified

_LOADERS = ("train_dataloader", "val_dataloader")
#: What of both configs a study's results depend on.
_TRAINED = (
    *("train_cfg", "optim_wrapper", "param_scheduler", "default_hooks", "randomness"),
    *(*_LOADERS, "val_evaluator"),
)


@dataclass(frozen=True)
class Network:
    """A network trained alone: an architecture, or that with other keys of the model."""

    arch: Arch
    model: dict = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """The same for the same network."""
        text = json.dumps([self.arch.to_dict(), self.model], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


class Study:
    """The state of a study in its folder; every job is known by its name.

    Args:
        supernet, alone: loaded configs: the study's own, and the one that ``plan.alone`` names.
        folder: of the study; made, and checked to be this study's.

    Attributes:
        plan_type, key: of its plan, and where a config holds it.
        records: what each finished job found, a line each with its ``job``.
    """

    plan_type, key = StudyPlan, "study"

    def __init__(self, supernet: Config, alone: Config, folder: Path) -> None:
        self.plan = self.plan_type.from_config(supernet)
        self.supernet, self.alone, self.folder = supernet, alone, folder
        self.space = space_of(supernet.model)
        self.shape = NetworkShape.of_model(supernet.model)
        self.measure = CostMeasure(**self.plan.cost)
        check_counted(supernet.model, self.measure.scope, f"{self.key}.cost")
        self.records = JsonLines(folder / "records.jsonl")
        identity = json.loads(json.dumps(self._identity(), default=str))
        if self.records.read():
            check_identity(folder / "study.json", identity)
        write_atomically(folder / "study.json", json.dumps(identity, indent=2) + "\n")

    def _identity(self) -> dict:
        configs = (("supernet", self.supernet), ("alone", self.alone))
        trained = {f"{name}.{key}": config.get(key) for name, config in configs for key in _TRAINED}
        loaders = [config[key] for _, config in configs for key in _LOADERS if config.get(key)]
        datasets = [dataset for loader in loaders for dataset in annotated(loader)]
        digests = {annotation_file(d): digest(annotation_file(d)) for d in datasets}
        return dict(
            asdict(self.plan),
            model=self.supernet.model.to_dict(),
            recalibration=self.supernet.val_cfg.recalibration,
            data=digests,
            format=FORMAT,
            **trained,
        )

    @cached_property
    def strata(self) -> list[list[Arch]]:
        """The networks that are drawn, from cheap to costly."""
        plan = self.plan
        return draw_stratified(self.space, self.cost, plan.strata, plan.networks, seed=plan.seed)

    def cost(self, arch: Arch) -> float:
        """Of an architecture of the space."""
        return self.measure.of(arch, self.shape)

    def found(self) -> dict[str, dict]:
        """The records so far, by job. Raises ``InputError`` for a line that is none."""
        found = {}
        for number, line in self.records.lines()[0]:
            if not isinstance(line.get("job"), str):
                raise self.records.error(number, "names no job")
            found[line["job"]] = line
        return found

    def checkpoint(self, sampling: str) -> str:
        """That of the supernet that was trained with ``sampling``.

        A study may have been moved or copied: its own file goes before that of the place where it
        was written.

        Raises:
            InputError: the supernet is not trained, or its checkpoint has gone.
        """
        job = f"supernet-{sampling}"
        written = self.found().get(job, {}).get("checkpoint")
        if not isinstance(written, str):
            raise InputError(
                f"{self.records.path} names no checkpoint of {job}: start the study without --job, "
                f"which trains what is not trained"
            )
        own = self.folder / job / Path(written).name
        path = str(own if own.is_file() else written)
        check_checkpoint(path)
        return path

    def drawn(self) -> list[Network]:
        """The networks of all strata."""
        return [Network(arch) for stratum in self.strata for arch in stratum]

    def phases(self) -> Iterator[tuple[str, list[dict]]]:
        """Name and jobs of each step, which are known when the steps before it are done."""
        plan, drawn = self.plan, self.drawn()
        supernets = [dict(kind="supernet", job=f"supernet-{s}", sampling=s) for s in plan.samplings]
        yield (
            "train",
            supernets
            + [network_job(network, 0) for network in drawn]
            + [network_job(n, seed) for n in self.repeated() for seed in range(1, plan.seeds)],
        )
        archs = [network.arch.to_dict() for network in drawn]
        yield (
            "score",
            [dict(kind="score", job=f"score-{s}", sampling=s, archs=archs) for s in plan.samplings],
        )
        yield (
            "search",
            [dict(kind="search", job=f"search-{s}", strategy=s) for s in plan.strategies],
        )
        returned = [network_job(Network(arch), 0) for arch in self.returned().values()]
        pairs = [network for pair in self.choices().values() for network in pair]
        chosen = [network_job(n, seed) for n in pairs for seed in range(plan.choice_seeds)]
        jobs = {job["job"]: job for job in [*returned, *chosen]}
        yield "train what was found", list(jobs.values())

    def worth_a_look(self) -> bool:
        """Whether results are written before all phases are done."""
        return False

    def repeated(self) -> list[Network]:
        """Those that are trained with several seeds: the first drawn of every stratum."""
        share = self.plan.repeated // self.plan.strata
        return [Network(arch) for stratum in self.strata for arch in stratum[:share]]

    def returned(self) -> dict[tuple[str, int], Arch]:
        """What each search returned, by strategy and seed."""
        searches = [line for line in self.found().values() if "strategy" in line]
        return {(s["strategy"], s["seed"]): Arch.from_dict(s["arch"]) for s in searches}

    def choices(self) -> dict[str, tuple[Network, Network]]:
        """The first search's choice of each strategy, and the baseline of its cost."""
        return {
            strategy: (Network(arch), self.baseline(self.cost(arch)))
            for (strategy, seed), arch in self.returned().items()
            if seed == 0
        }

    def baseline(self, target: float) -> Network:
        """The network that nobody searched, as wide as ``target`` asks for."""
        arch = Arch(backbone=("shuffle_3x3",) * sum(self.shape.blocks))
        return self.widened(arch, self.plan.baseline, target)

    def widened(self, arch: Arch, keys: Mapping, target: float) -> Network:
        """``arch`` in the model with other ``keys``, all widths scaled to cost ``target``."""
        model = merged(self.supernet.model, keys)

        def cost(scaled: Mapping) -> float:
            return self.measure.of(arch, NetworkShape.of_model(scaled))

        widths = widths_of_cost(model, cost, target)
        return Network(arch, merged(keys, widths).to_dict())

    def network_cost(self, network: Network) -> float:
        """Of a network with whatever widths it has."""
        shape = NetworkShape.of_model(merged(self.supernet.model, network.model))
        return self.measure.of(network.arch, shape)

    def scores(self, sampling: str, recalibration: str) -> Cache:
        """Scores of architectures in a trained supernet, on disk."""
        settings = self.plan.recalibrations[recalibration]
        checkpoint = digest(self.checkpoint(sampling))
        return Cache(self.folder / "scores", dict(checkpoint=checkpoint, **settings))


def network_job(
    network: Network, seed: int, held_out: bool = False, iterations: int | None = None
) -> dict:
    """The job that trains and tests ``network``.

    ``held_out``: with the supernet's pictures; ``iterations``: for a shorter time.
    """
    data = dict(arch=network.arch.to_dict(), model=network.model, seed=seed, held_out=held_out)
    if iterations:
        data["iterations"] = iterations
    return dict(kind="network", job=network_key(network, seed, held_out, iterations), **data)


def network_key(
    network: Network, seed: int, held_out: bool = False, iterations: int | None = None
) -> str:
    """The name of that job."""
    length = f"-{iterations}" if iterations else ""
    return f"network-{network.name}-{seed}{'-held_out' * held_out}{length}"
