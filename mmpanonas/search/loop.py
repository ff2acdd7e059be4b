"""The search as an MMEngine loop."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from mmengine.registry import LOOPS
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmpanonas.distributed import unwrapped
from mmpanonas.errors import InputError
from mmpanonas.execution import EXECUTORS, Executor, RacedSearch, Search
from mmpanonas.racing import RACES
from mmpanonas.recalibration.recalibration import RecalibrationBatches
from mmpanonas.records import Cache, Candidate, SearchDirectory, ranked
from mmpanonas.search.agreement import search_files
from mmpanonas.search.checks import (
    build_cost,
    check_costs,
    check_executor,
    reported_costs,
)
from mmpanonas.search.evaluator import (
    EvaluationSettings,
    build_evaluator,
    evaluator_of_config,
)
from mmpanonas.search.fitness import build_metrics, check_metric, negated, try_metric
from mmpanonas.search.identity import cache_context, digest, search_identity, this_start
from mmpanonas.search.pictures import in_order
from mmpanonas.search.progress import SearchProgress, ranking_table
from mmpanonas.search.racing import build_race, raced_classes
from mmpanonas.space import Arch, Budget, CostMeasure, Limits, NetworkShape, SearchSpace, space_of
from mmpanonas.strategies import STRATEGIES, Strategy
from mmpanonas.values import (
    ArgumentsOf,
    Count,
    Positive,
    PositiveInt,
    Seed,
    TypeIn,
    checked,
    one_of,
)


@LOOPS.register_module()
class SearchLoop(BaseLoop):
    """Evaluate what a strategy proposes; results and its report go to disk at every candidate.

    Stands in a config's ``val_cfg``: its dataloader is nas_val, its evaluator the fitness.

    Args:
        strategy: ``type`` names a strategy of ``mmpanonas.strategies``, the rest is its own.
        recalibration: arguments of :class:`RecalibrationBatches`.
        seed: of the strategy.
        metric: the fitness, one of the evaluator's keys.
        sense: "greater" or "smaller", what is better of it. The smaller the better: results hold
            it with its sign turned too, by which they are ranked (``coco/-loss``).
        budgets: limits that every candidate keeps, each the arguments of ``Budget``.
        num_reported: architectures in the printed table.
        resume: go on with the search that lies in the work dir.
        executor: where candidates are evaluated: ``type`` names one of ``EXECUTORS``, the rest is
            its own. None: serial.
        max_tries, give_up_after: of ``Search``.
        timeout: seconds of one try, or None.
        cache: folder of evaluations that searches of one supernet share, or None.
        picture_memory, precision: of :class:`EvaluationSettings`, in every
            worker.
        race: ``type`` names one of ``RACES``, the rest is its own: candidates that cannot be among
            the best any more are evaluated no further. None: all see every picture.

    Attributes:
        records: after :meth:`run` all results, by index.
    """

    @checked
    def __init__(
        self,
        runner: Runner,
        dataloader: dict,
        evaluator: dict,
        strategy: Annotated[dict, TypeIn(STRATEGIES)],
        recalibration: Annotated[dict, ArgumentsOf(RecalibrationBatches)],
        seed: Seed = 0,
        metric: str = "coco_panoptic/PQ",
        budgets: Annotated[Sequence[dict], ArgumentsOf(Budget)] = (),
        num_reported: Count = 10,
        resume: bool = False,
        executor: Annotated[dict | None, TypeIn(EXECUTORS)] = None,
        max_tries: PositiveInt = 2,
        give_up_after: PositiveInt | None = 5,
        timeout: Positive | None = None,
        cache: str | None = None,
        picture_memory: Count = EvaluationSettings.picture_memory,
        precision: str = EvaluationSettings.precision,
        race: Annotated[dict | None, TypeIn(RACES)] = None,
        sense: Annotated[str, one_of(["greater", "smaller"])] = "greater",
    ) -> None:
        # Check everything that can be wrong before data sets are read.
        super().__init__(runner, None)
        self.space = space_of(unwrapped(runner.model))
        self.shape = NetworkShape.of_model(runner.cfg.model)
        goal = self._price(budgets, strategy.get("cost"), dataloader)
        options = dict(strategy, seed=seed, legal=self.legal) | goal
        self.strategy = _build_strategy(options, self.space)
        self.computed, self.num_reported, self.timeout = metric, num_reported, timeout
        self.metric = metric if sense == "greater" else negated(metric)
        self.executor = check_executor(executor)
        metrics = build_metrics(runner, evaluator).metrics
        check_metric(metric, metrics)
        EvaluationSettings(picture_memory, precision)
        self.records: list[Candidate] = []
        self._settings = dict(max_tries=max_tries, give_up_after=give_up_after)
        self._race = None
        if race:
            rule = build_race(race, self.strategy, cache)
            dataset = in_order(runner, dataloader, runner.cfg.val_cfg).dataset
            classes = raced_classes(self.metric, metrics, dataset.metainfo)
            self._race = dict(race=rule, pictures=len(dataset), classes=classes)

        parts = dict(
            dataloader=dataloader,
            evaluator=evaluator,
            recalibration=recalibration,
            precision=precision,
            strategy=dict(strategy),
            seed=seed,
            metric=self.metric,
            budgets=[dict(budget) for budget in budgets],
        )
        if race:
            parts["race"] = dict(race)
        self._open_directory(parts, resume, cache)

    def _price(self, budgets: Sequence[dict], goal: dict | None, dataloader: dict) -> dict:
        """Set budgets and measures; what a strategy with a second goal is told of it."""
        self.budgets = [build_cost(Budget, "budgets", budget) for budget in budgets]
        costs = {f"budgets[{place}]": budget for place, budget in enumerate(budgets)}
        measure = goal and build_cost(CostMeasure, "strategy.cost", goal)
        costs |= {"strategy.cost": goal} if goal else {}
        check_costs(costs, self.runner.cfg.model, dataloader)
        self.legal = Limits(self.budgets, self.space, self.shape)
        self.measures = [*reported_costs(self.runner), *(each.measure for each in self.budgets)]
        if not measure:
            return {}
        self.measures.append(measure)
        return _second_goal(measure, self.space, self.shape)

    def _open_directory(self, parts: dict, resume: bool, cache: str | None) -> None:
        """``parts`` are the loop's own of the search's identity."""
        runner = self.runner
        identity = search_identity(
            model=runner.cfg.model.to_dict(),
            space=self.space,
            checkpoint=runner._load_from,
            tables={m.table: digest(m.table) for m in self.measures if m.table},
            **parts,
        )
        say = runner.logger.warning
        self._settings["cache"] = cache and Cache(cache, cache_context(identity), say)
        start = this_start(self.executor)
        grows = {f"strategy.{argument}" for argument in self.strategy.grows}
        if self._race:
            grows -= {"strategy.total"}  # one race of more
        self.directory = SearchDirectory(runner.work_dir, identity, resume, start, say, grows)
        self.directory.write_config(runner.cfg.pretty_text)

    def _cost(self, arch: Arch) -> dict[str, float]:
        return {measure.key: measure.of(arch, self.shape) for measure in self.measures}

    def run(self) -> dict[str, float]:
        """Search to the end; returns the best architecture's metrics.

        Raises:
            InputError: the evaluator computes no such fitness.
        """
        try_metric(self.computed, self.runner)
        self.records = self._search(self._build_executor())
        best_first = ranked(self.records, self.metric)
        self._report(best_first)
        return best_first[0].metrics

    def _build_executor(self) -> Executor:
        options = dict(self.executor)
        kind = EXECUTORS[options.pop("type")]
        if kind.remote:
            cfg = self.runner.cfg
            build = partial(evaluator_of_config, cfg.to_dict(), os.getcwd(), search_files(cfg))
        else:
            build = partial(build_evaluator, self.runner)
        return kind(build, self.metric, self.timeout, say=self.runner.logger.warning, **options)

    def _search(self, executor: Executor) -> list[Candidate]:
        logger = self.runner.logger
        progress = SearchProgress(
            self.metric, self.runner.visualizer, self.strategy.total, self.directory.read()
        )
        kind = partial(RacedSearch, **self._race) if self._race else Search
        search = kind(
            self.strategy,
            self.directory,
            self.metric,
            cost=self._cost,
            listen=progress,
            say=logger.warning,
            **self._settings,
        )
        try:
            records = search.run(executor)
        finally:
            progress.close()
            self.directory.close()
        if search.failures:
            logger.warning(search.failures)
        return records

    def _report(self, best_first: list[Candidate]) -> None:
        logger, folder = self.runner.logger, self.directory.path
        if self.strategy.note:
            logger.info(self.strategy.note)
        table = ranking_table(best_first, self.metric, self.num_reported)
        logger.info(f"best of {len(best_first)} architectures by {self.metric}:\n{table}")
        logger.info(
            f"architecture: {folder / 'arch.json'}; ranking: {folder / 'ranking.csv'}; "
            f"all results: {folder / 'results.jsonl'}"
        )


def _build_strategy(options: dict, space: SearchSpace) -> Strategy:
    kind = options.pop("type", None)
    if kind not in STRATEGIES:
        raise InputError(f"strategy.type: expected one of {sorted(STRATEGIES)}, got {kind!r}")
    return STRATEGIES[kind](space, **options)


def _second_goal(measure: CostMeasure, space: SearchSpace, shape: NetworkShape) -> dict:
    measure.cheapest(space, shape)  # asks for every choice: a latency table may lack one
    return dict(cost=partial(measure.of, shape=shape), cost_name=str(measure))
