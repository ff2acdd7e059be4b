"""Strictly fair supernet training (Chu et al., FairNAS): which path, and what one step means.

A window of paths makes one optimizer step. The hook says which path each pass takes; the
optimizer wrapper lets the gradients of the window add up and gives every parameter the
mean over the passes that it took part in.
"""

import warnings
from collections.abc import Callable, Mapping

import torch
from mmengine.dist import all_reduce, all_reduce_params, get_world_size
from mmengine.hooks import CheckpointHook, Hook
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.registry import HOOKS, OPTIM_WRAPPERS
from mmengine.runner import Runner
from torch import Tensor, nn

from mmpanonas.distributed import unwrapped
from mmpanonas.errors import InputError
from mmpanonas.space import PARTS, Arch, SearchSpace, set_arch, space_of
from mmpanonas.values import Seed, checked

#: How many of a weight's first output channels the last pass used; the dimension of these.
AskRows = tuple[Callable[[], int], int]


class _MeanOverPasses:
    """Divide each parameter's summed gradient by the passes that reached it, then step.

    Ranks train the same path on their own pictures. Gradients are exchanged once per step
    rather than once per pass: DistributedDataParallel would skip the gradients that
    earlier passes left on parameters which the last pass does not touch.

    Raises:
        InputError: ``accumulative_counts`` is given, or no hook has set a window at the first step.
    """

    def __init__(self, *args, accumulative_counts: int = 1, **kwargs) -> None:
        if accumulative_counts != 1:
            raise InputError(
                f"optim_wrapper.accumulative_counts is {accumulative_counts}, but a step of a fair "
                f"supernet takes a window of paths, which its space decides: leave the key out"
            )
        super().__init__(*args, **kwargs)
        self._window_is_set = False
        self._trained: list[nn.Parameter] = [
            p for group in self.optimizer.param_groups for p in group["params"] if p.requires_grad
        ]
        self._passes = [0] * len(self._trained)
        self._sliced: dict[int, AskRows] = {}
        self._row_passes: dict[int, Tensor] = {}
        for place, parameter in enumerate(self._trained):
            parameter.register_post_accumulate_grad_hook(lambda _, place=place: self._count(place))

    def _count(self, place: int) -> None:
        self._passes[place] += 1
        if place in self._sliced:
            used, _ = self._sliced[place]
            self._row_passes[place][: used()] += 1

    def set_window(self, passes: int, rows: Mapping[nn.Parameter, AskRows] | None = None) -> None:
        """Step after every ``passes`` backward passes.

        ``rows`` asks, for a weight that widths slice, how many of its first output channels the
        last pass used, and says which dimension these are: each channel takes the mean over its
        own passes.
        """
        self._accumulative_counts = passes
        places = {parameter: place for place, parameter in enumerate(self._trained)}
        self._sliced = {places[p]: ask for p, ask in (rows or {}).items() if p in places}
        self._forget_passes()
        self._window_is_set = True

    def _forget_passes(self) -> None:
        self._passes = [0] * len(self._trained)
        lengths = {p: self._trained[p].shape[dim] for p, (_, dim) in self._sliced.items()}
        self._row_passes = {p: torch.zeros(n, dtype=torch.long) for p, n in lengths.items()}

    def should_sync(self) -> bool:
        """Never let DistributedDataParallel exchange gradients: ``step`` does."""
        return False

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss as it is: the mean is taken in ``step``, parameter by parameter."""
        return loss

    def step(self, **kwargs) -> None:
        """Average over passes and ranks, then clip and step as usual."""
        if not self._window_is_set:
            raise InputError(
                f"{type(self).__name__} needs a hook that draws paths, else one alone would train: "
                f"default_hooks.fairness=dict(type='StrictFairnessHook')"
            )
        self._average_gradients()
        super().step(**kwargs)
        self._forget_passes()

    def _average_gradients(self) -> None:
        passes = self._passes
        if get_world_size() > 1:
            most = torch.tensor(passes, device=self._trained[0].device)
            all_reduce(most, op="max")
            passes = most.tolist()
        reached = [(p, n) for p, n in zip(self._trained, passes, strict=True) if n]
        for parameter, _ in reached:
            if parameter.grad is None:  # reached on another rank only
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter, _ in reached]
        if get_world_size() > 1:
            all_reduce_params(gradients, op="mean")
        torch._foreach_div_(gradients, [float(n) for _, n in reached])
        self._average_rows(passes)

    def _average_rows(self, passes: list[int]) -> None:
        """From the mean over a weight's passes to that over those which used each row of it."""
        if not self._sliced:
            return
        places = sorted(self._sliced)
        counts = torch.cat([self._row_passes[place] for place in places])
        if get_world_size() > 1:
            counts = counts.to(self._trained[0].device)
            all_reduce(counts, op="max")
        counts = counts.cpu().split([len(self._row_passes[place]) for place in places])
        for place, own in zip(places, counts, strict=True):
            gradient = self._trained[place].grad
            if passes[place] and int(own.min()) < passes[place]:
                share = (passes[place] / own.clamp(min=1)).to(gradient)
                after = gradient.dim() - self._sliced[place][1] - 1
                gradient.mul_(share.view(-1, *[1] * after))


@OPTIM_WRAPPERS.register_module()
class FairOptimWrapper(_MeanOverPasses, OptimWrapper):
    """MMEngine's ``OptimWrapper`` for windows of paths."""


@OPTIM_WRAPPERS.register_module()
class FairAmpOptimWrapper(_MeanOverPasses, AmpOptimWrapper):
    """MMEngine's ``AmpOptimWrapper`` for windows of paths."""


@HOOKS.register_module()
class StrictFairnessHook(Hook):
    """Set the path of every training pass: a function of (seed, iteration) alone.

    Args:
        seed: of the paths; ranks and resumed runs agree without talking.

    Raises:
        InputError: before training, when a schedule or a checkpoint interval would cut a
            window in two, or when the optimizer wrapper does not average over passes.
    """

    priority = "VERY_HIGH"

    @checked
    def __init__(self, seed: Seed = 0) -> None:
        self.seed = seed
        self._window: tuple[int, list[Arch]] = (-1, [])

    def before_train(self, runner: Runner) -> None:
        """Check that every window is whole, and how many passes a step has."""
        window = self._space(runner).window
        if not isinstance(runner.optim_wrapper, _MeanOverPasses):
            raise InputError(
                f"strict fairness needs optim_wrapper.type='FairOptimWrapper' (with --amp "
                f"'FairAmpOptimWrapper'), got {type(runner.optim_wrapper).__name__}"
            )
        for what, count in self._counts(runner).items():
            if count % window:
                raise InputError(
                    f"{what} is {count}, but {window} paths make one optimizer step: "
                    f"choose a multiple of {window}"
                )
        rows = getattr(unwrapped(runner.model), "used_rows", dict)()
        runner.optim_wrapper.set_window(window, rows)
        # Schedules count passes: they move before the first step, which MMEngine takes for a slip.
        warnings.filterwarnings("ignore", "Detected call of `scheduler.step", UserWarning)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        """Make the pass's path the active one."""
        set_arch(unwrapped(runner.model), self.path(runner))

    def path(self, runner: Runner) -> Arch:
        """The path of the runner's current iteration."""
        space = self._space(runner)
        index, place = divmod(runner.iter, space.window)
        if self._window[0] != index:
            self._window = (index, self.paths(space, index))
        return self._window[1][place]

    def paths(self, space: SearchSpace, window: int) -> list[Arch]:
        """The paths of one optimizer step."""
        return space.fair_paths(self.seed, window)

    @staticmethod
    def _space(runner: Runner) -> SearchSpace:
        return space_of(unwrapped(runner.model))

    @staticmethod
    def _counts(runner: Runner) -> dict[str, int]:
        counts = {"the iteration to start from": runner.iter}
        counts["train_cfg.max_iters"] = runner.max_iters
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook) and hook.interval > 0 and not hook.by_epoch:
                counts["default_hooks.checkpoint.interval"] = hook.interval
        return counts


@HOOKS.register_module()
class UniformSamplingHook(StrictFairnessHook):
    """The baseline of strict fairness: the choices of every pass are drawn uniformly.

    Steps take as many passes, and each parameter the mean over those that reached it.
    """

    def paths(self, space: SearchSpace, window: int) -> list[Arch]:
        """The paths of one optimizer step."""
        return space.uniform_paths(self.seed, window)


@HOOKS.register_module()
class SandwichHook(StrictFairnessHook):
    """The sandwich rule for widths and depths (Yu et al., BigNAS) of an elastic supernet.

    Of every four passes of a window one is as wide and deep as the network can be, one as narrow
    and shallow, and two have the sizes that strict fairness drew. Operations stay strictly fair.
    """

    def before_train(self, runner: Runner) -> None:
        """As strict fairness, and that there are sizes and whole groups of four."""
        space = self._space(runner)
        if not any(_sizes(arch) for arch in space.extreme_sizes()):
            raise InputError(
                "default_hooks.fairness: SandwichHook needs widths or depths to choose from: give "
                "model.elastic, or take StrictFairnessHook"
            )
        if space.window % 4:
            raise InputError(
                f"default_hooks.fairness: SandwichHook takes passes in fours, but a window has "
                f"{space.window}: give a part 4 choices, or take StrictFairnessHook"
            )
        super().before_train(runner)

    def paths(self, space: SearchSpace, window: int) -> list[Arch]:
        """The paths of one optimizer step."""
        smallest, largest = map(_sizes, space.extreme_sizes())
        fair = super().paths(space, window)
        fixed = [largest, smallest, {}, {}] * (len(fair) // 4)
        return [space.check(p.replace(**sizes)) for p, sizes in zip(fair, fixed, strict=True)]


def _sizes(arch: Arch) -> dict[str, tuple[str, ...]]:
    """The widths and depths of an architecture, by part."""
    return {n: getattr(arch, n) for n, part in PARTS.items() if part.sizes and getattr(arch, n)}
