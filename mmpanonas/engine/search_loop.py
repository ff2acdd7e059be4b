"""The search as an MMEngine loop (SPEC section 9)."""

import hashlib
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from mmengine.dist import all_gather_object, get_rank, get_world_size, is_main_process
from mmengine.evaluator import Evaluator
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DATA_SAMPLERS, LOOPS
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn
from torch.utils.data import DataLoader, SequentialSampler
from tqdm import tqdm

from mmpanonas.engine.hooks import BAR
from mmpanonas.engine.recalibration import RecalibrationBatches, recalibrated
from mmpanonas.engine.results import Record, SearchDirectory
from mmpanonas.errors import InputError
from mmpanonas.search import STRATEGIES, Strategy
from mmpanonas.space import REPORTED, Arch, Budget, CostMeasure, NetworkShape, SearchSpace


@DATA_SAMPLERS.register_module()
class EveryRankSampler(SequentialSampler):
    """The whole data set in order on every rank: ranks evaluate different candidates."""

    def __init__(self, dataset, seed: int | None = None) -> None:
        super().__init__(dataset)


class CandidateEvaluator:
    """Score an architecture: set path, recalibrate, predict, measure; nothing leaves the rank.

    Args:
        model: with ``set_arch``; holds the supernet's weights.
        batches: of recalibration.
        dataloader: over all of nas_val.
        evaluator: MMEngine's, whose metrics are computed on this rank's results.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: RecalibrationBatches,
        dataloader: DataLoader,
        evaluator: Evaluator,
    ) -> None:
        self.model, self.batches = model, batches
        self.dataloader, self.evaluator = dataloader, evaluator

    @torch.no_grad()
    def __call__(self, arch: Arch) -> dict[str, float]:
        """Metrics of ``arch`` by name, unrounded."""
        self.model.set_arch(arch)
        for metric in self.evaluator.metrics:
            metric.results.clear()  # of an evaluation that failed midway
        with recalibrated(self.model, self.batches):
            for batch in self.dataloader:
                samples = self.model.val_step(batch)
                self.evaluator.process(data_samples=samples, data_batch=batch)
        return self._compute()

    def _compute(self) -> dict[str, float]:
        values = {}
        for metric in self.evaluator.metrics:
            computed = metric.compute_metrics(metric.results)
            values.update({f"{metric.prefix}/{key}": value for key, value in computed.items()})
        return values


@LOOPS.register_module()
class SearchLoop(BaseLoop):
    """Evaluate what a strategy proposes; results and its report go to disk at every candidate.

    Stands in a config's ``val_cfg``: its dataloader is nas_val, its evaluator the fitness.

    Args:
        strategy: ``type`` names a strategy of ``mmpanonas.search``, the rest is its own.
        recalibration: arguments of :class:`RecalibrationBatches`.
        seed: of the strategy.
        metric: the fitness, one of the evaluator's keys.
        budgets: limits that every candidate keeps, each the arguments of ``Budget``.
        num_reported: architectures in the printed table.
        resume: go on with the search that lies in the work dir.

    Attributes:
        records: after :meth:`run` everything that was evaluated, by index, on every rank.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: dict,
        evaluator: dict,
        strategy: dict,
        recalibration: dict,
        seed: int = 0,
        metric: str = "coco_panoptic/PQ",
        budgets: Sequence[dict] = (),
        num_reported: int = 10,
        resume: bool = False,
    ) -> None:
        # Check everything that can be wrong before data sets are read.
        model = getattr(runner.model, "module", runner.model)
        self.shape = NetworkShape.of_model(runner.cfg.model)
        self.budgets = [Budget(**_keys("budgets", budget)) for budget in budgets]
        for budget in self.budgets:
            budget.check_reachable(model.search_space, self.shape)
        self.measures = [*REPORTED, *(budget.measure for budget in self.budgets)]
        options = dict(strategy, seed=seed, legal=self._legal)
        if strategy.get("cost"):
            self.measures.append(CostMeasure(**_keys("strategy.cost", strategy["cost"])))
            options |= _second_goal(self.measures[-1], model.search_space, self.shape)
        self.strategy = _build_strategy(options, model.search_space)
        self.metric, self.num_reported = metric, num_reported
        self.records: list[Record] = []
        self.directory = SearchDirectory(
            runner.work_dir,
            identity=dict(
                model=runner.cfg.model.to_dict(),
                strategy=dict(strategy),
                seed=seed,
                metric=metric,
                budgets=[dict(budget) for budget in budgets],
                tables={m.table: _digest(m.table) for m in self.measures if m.table},
                recalibration=dict(recalibration),
                validation=dict(dataloader["dataset"]),
                checkpoint=_digest(runner._load_from),
            ),
            resume=resume,
        )
        dataloader = dict(dataloader, sampler=dict(type="EveryRankSampler"))
        super().__init__(runner, dataloader)
        evaluator = runner.build_evaluator(evaluator)
        evaluator.dataset_meta = self.dataloader.dataset.metainfo
        self.evaluate = CandidateEvaluator(
            # Ranks run different paths: batch norms must not talk to each other.
            revert_sync_batchnorm(model),
            RecalibrationBatches(**recalibration),
            self.dataloader,
            evaluator,
        )

    def _legal(self, arch: Arch) -> bool:
        return all(budget.allows(arch, self.shape) for budget in self.budgets)

    def run(self) -> dict[str, float]:
        """Search to the end; returns the best architecture's metrics."""
        known = {record.arch: record for record in self.directory.read()}
        bar = tqdm(total=self.strategy.total, desc="search", disable=not is_main_process(), **BAR)
        while not self.strategy.done:
            proposals = self.strategy.propose(get_world_size())
            for record in self._evaluate(proposals, known):
                new = record.arch not in known
                if new:
                    self.directory.append(record)
                    known[record.arch] = record
                self.strategy.tell(record.arch, record.metrics[self.metric])
                if new:
                    self.directory.write_report(self.strategy.report())
                best = max(r.metrics[self.metric] for r in known.values())
                bar.set_postfix_str(f"best {self.metric.split('/')[-1]} {best:.2f}")
                bar.total = self.strategy.total
                bar.update()
        bar.close()
        self.records = sorted(known.values(), key=lambda r: r.index)
        return self._report(self.records)

    def _evaluate(self, proposals: list[Arch], known: dict[Arch, Record]) -> list[Record]:
        """Records of the proposals in order; rank r evaluates the r-th that is not known."""
        new = [arch for arch in proposals if arch not in known]
        rank, mine = get_rank(), None
        if rank < len(new):
            start = time.perf_counter()
            metrics = self.evaluate(new[rank])
            mine = Record(
                index=len(known) + rank,
                arch=new[rank],
                metrics=metrics,
                cost={m.key: m.of(new[rank], self.shape) for m in self.measures},
                seconds=time.perf_counter() - start,
                **self.strategy.label(new[rank]),
            )
        fresh = {r.arch: r for r in all_gather_object(mine) if r is not None}
        return [known.get(arch) or fresh[arch] for arch in proposals]

    def _report(self, records: list[Record]) -> dict[str, float]:
        ranked = sorted(records, key=lambda r: (-r.metrics[self.metric], r.index))
        if not ranked:
            raise RuntimeError(f"the search evaluated nothing: {self.strategy.note}")
        logger = self.runner.logger
        if self.strategy.note:
            logger.info(self.strategy.note)
        self.directory.write_report(self.strategy.report())
        if is_main_process():
            table = self.directory.write_answer(ranked, self.metric, self.num_reported)
            logger.info(f"best of {len(ranked)} architectures by {self.metric}:\n{table}")
            logger.info(
                f"architecture: {self.directory.path / 'arch.json'}; "
                f"ranking: {self.directory.path / 'ranking.csv'}; "
                f"all results: {self.directory.path / 'results.jsonl'}"
            )
        return ranked[0].metrics


def _build_strategy(options: dict, space: SearchSpace) -> Strategy:
    kind = options.pop("type", None)
    if kind not in STRATEGIES:
        raise InputError(f"strategy.type: expected one of {sorted(STRATEGIES)}, got {kind!r}")
    return STRATEGIES[kind](space, **options)


def _keys(name: str, value: object) -> dict:
    if not isinstance(value, dict):
        raise InputError(
            f"val_cfg.{name}: expected dict(quantity=...), got {value!r}; --cfg-options cannot "
            f"hold a dictionary, so write it into a config"
        )
    return value


def _second_goal(measure: CostMeasure, space: SearchSpace, shape: NetworkShape) -> dict:
    measure.cheapest(space, shape)  # asks for every choice: a latency table may lack one
    return dict(cost=partial(measure.of, shape=shape), cost_name=str(measure))


def _digest(path: str | None) -> str | None:
    """What tells one file from another: its SHA-256 (a URL stands for itself)."""
    if path is None or not Path(path).is_file():
        return path
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
