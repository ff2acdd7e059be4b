"""How long the operations of a network take: the measurements behind a latency table.

Measured is one picture's forward pass through the modules that ``space.network_cost``
counts, with as many regions in the box and the mask head as the config allows. Left out is
what depends on what a trained network finds: proposals, RoIAlign, suppression, pasting of
masks, fusion.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch
from scipy.stats import kendalltau
from torch import Tensor

from mmpanonas.models.detector import AutoPanoptic
from mmpanonas.models.layers.attention import Attended, thing_levels
from mmpanonas.models.layers.choice import Choice
from mmpanonas.space import Arch, LatencyTable, NetworkShape


@dataclass(frozen=True)
class Job:
    """Something to be timed: ``run``, after ``prepare``, which is not timed."""

    run: Callable[[], object]
    prepare: Callable[[], object] = lambda: None


class Stopwatch:
    """The median time of each of many jobs in milliseconds.

    The jobs take turns: in every round each is timed once, so that a machine that is busy for
    a while disturbs all alike, and no operation finds its own data in the cache.

    Args:
        device: on "cuda" a sample waits for the GPU at both ends, and is the mean of ten calls
            in a row: a network's operations, too, follow one another without waiting.
        repeats: rounds that count; two of warming up go before.
        progress: wraps the samples to come, such as in a bar.
    """

    def __init__(
        self, device: str, repeats: int, progress: Callable[[list], Iterable] = iter
    ) -> None:
        self.repeats, self.progress = repeats, progress
        self.calls = 10 if device == "cuda" else 1
        self.wait = torch.cuda.synchronize if device == "cuda" else lambda: None

    def __call__(self, jobs: Sequence[Job]) -> list[float]:
        """Time the jobs."""
        samples = [self._sample(job) for job in self.progress([*jobs] * (2 + self.repeats))]
        return np.median(np.reshape(samples, (-1, len(jobs)))[2:], axis=0).tolist()

    def _sample(self, job: Job) -> float:
        job.prepare()
        self.wait()
        start = time.perf_counter()
        for _ in range(self.calls):
            job.run()
        self.wait()
        return (time.perf_counter() - start) * 1e3 / self.calls


class MeasuredNetwork:
    """A network with one picture and its regions, ready to be timed whole and in pieces.

    Args:
        model: on the device, in evaluation mode.
        shape: its widths and numbers of regions.
        size: height and width of the picture.

    Attributes:
        layers: of each part that has choices, its layers in code order.
    """

    @torch.no_grad()
    def __init__(self, model: AutoPanoptic, shape: NetworkShape, size: Sequence[int]) -> None:
        self.model, self.shape, self.size = model, shape, tuple(size)
        device = next(model.parameters()).device
        self.picture = torch.rand(1, 3, *self.size, device=device)
        heads = model.roi_head
        self.boxes, self.masks = (
            torch.rand(rois, shape.neck_channels, *extractor.roi_layers[0].output_size).to(device)
            for rois, extractor in (
                (shape.box_rois, heads.bbox_roi_extractor),
                (shape.mask_rois, heads.mask_roi_extractor),
            )
        )
        self.layers = {part.part_name: part.choice_layers for part in model.searchable_parts}
        self._whole = [part for part in model.searchable_parts if part.part.whole]
        self._passes: dict[Choice, list[tuple[Tensor, Tensor]]] = {
            layer: [] for rows in self.layers.values() for layer in rows
        }
        hooks = [layer.register_forward_hook(self._remember) for layer in self._passes]
        self()
        for hook in hooks:
            hook.remove()

    def _remember(self, layer: Choice, inputs: tuple[Tensor], output: Tensor) -> None:
        self._passes[layer].append((inputs[0], output))

    def __call__(self) -> None:
        """The whole forward pass along the active path."""
        for run in self._heads(self.model.features(self.picture)).values():
            run()

    def _heads(self, features: Sequence[Tensor] | Attended) -> dict[str, Callable[[], object]]:
        return {
            "rpn_head": lambda: self.model.rpn_head(thing_levels(features)),
            "bbox_head": lambda: self.model.roi_head.bbox_head(self.boxes),
            "mask_head": lambda: self.model.roi_head.mask_head(self.masks),
            "semantic_head": lambda: self.model.semantic_head(features),
        }

    def path(self, arch: Arch) -> Job:
        """The whole network along ``arch``."""
        return Job(self, partial(self._move, arch))

    def modules(self) -> dict[str, Job]:
        """Every module with its searched layers standing still, so that all else is left.

        Each runs alone on inputs made once: with the searched layers they make the whole
        pass. "attention" is there where the network has any; it makes the semantic features
        then, and "semantic_head" classifies them. A part that a path may leave out is left out.
        """
        return self._modules(())

    def additions(self) -> dict[str, list[Job]]:
        """What :meth:`modules` has in its attention's place with each part that may be left out.

        The first list, by "", is that of none; the others by the parts' names.
        """
        kept = ("attention", "semantic_head")
        return {
            name: [job for key, job in self._modules((name,)).items() if key in kept]
            for name in ("", *(part.part_name for part in self._whole))
            if self._whole
        }

    def _modules(self, present: Sequence[str]) -> dict[str, Job]:
        self._leave_out(present)
        model = self.model
        maps = model.backbone(self.picture)
        levels = model.neck(maps)
        attended = model.attend(levels)
        runs = {"backbone": lambda: model.backbone(self.picture), "neck": lambda: model.neck(maps)}
        if attended is not levels:
            runs["attention"] = lambda: model.attend(levels)
        return {
            name: Job(run, partial(self._stand_still, present))
            for name, run in (runs | self._heads(attended)).items()
        }

    def operation(self, layer: Choice, choice: str) -> tuple[tuple, Job]:
        """One choice of a searched layer, on all that a pass brings to it.

        The key before the job is equal for operations that compute the same on inputs of the
        same sizes.
        """
        inputs = [x for x, _ in self._passes[layer]]
        widths = tuple(parameter.shape for parameter in layer[choice].parameters())
        key = repr(layer[choice]), widths, tuple(x.shape for x in inputs)
        return key, Job(lambda: [layer[choice](x) for x in inputs])

    def _leave_out(self, present: Sequence[str]) -> None:
        for part in self._whole:
            part.present = part.part_name in present

    def _stand_still(self, present: Sequence[str]) -> None:
        """Searched layers hand out what they once made."""
        self._leave_out(present)
        for layer, passes in self._passes.items():
            outputs = {x.shape: y for x, y in passes}
            layer.forward = lambda x, outputs=outputs: outputs[x.shape]

    def _move(self, arch: Arch) -> None:
        for layer in self._passes:
            vars(layer).pop("forward", None)
        self.model.set_arch(arch)


@torch.no_grad()
def measure(
    network: MeasuredNetwork,
    archs: Sequence[Arch],
    clock: Callable[[Sequence[Job]], list[float]],
) -> dict:
    """Times for :class:`LatencyTable`, and how well they predict whole networks.

    An operation that stands in several layers with the same widths and inputs is measured
    once.

    Returns:
        ``shape``, ``size``, ``fixed``, ``layers`` and ``whole`` as in the table, and ``check`` of
        ``archs`` as in :func:`compare`.
    """
    fixed, paths = network.modules(), [network.path(arch) for arch in archs]
    operations = dict(
        network.operation(layer, choice)
        for rows in network.layers.values()
        for layer in rows
        for choice in layer
    )
    additions = network.additions()
    extra = [job for jobs in additions.values() for job in jobs]
    times = iter(clock([*fixed.values(), *operations.values(), *extra, *paths]))
    found = dict(
        shape=asdict(network.shape),
        size=list(network.size),
        fixed={name: next(times) for name in fixed},
    )
    known = {key: next(times) for key in operations}
    sums = {name: sum(next(times) for _ in jobs) for name, jobs in additions.items()}
    base = sums.pop("", 0.0)
    found["whole"] = {part: max(0.0, time - base) for part, time in sums.items()}
    found["layers"] = {
        part: [{c: known[network.operation(layer, c)[0]] for c in layer} for layer in rows]
        for part, rows in network.layers.items()
    }
    table = LatencyTable.from_dict(dict(found, device=""), "of this measurement")
    predicted = [table.of(arch, network.shape, "network") for arch in archs]
    return found | dict(check=compare(predicted, list(times)))


def compare(predicted: list[float], measured: list[float]) -> dict:
    """How far predictions are from what was measured.

    Returns:
        ``predicted``, ``measured``, ``mean_error_percent`` (mean absolute error relative to
        the measured) and ``kendall_tau`` (1: same order; None where there is no order).
    """
    errors = np.abs(np.subtract(predicted, measured)) / measured
    tau = kendalltau(predicted, measured).statistic if len(measured) > 1 else np.nan
    return dict(
        predicted=predicted,
        measured=measured,
        mean_error_percent=float(100 * errors.mean()),
        kendall_tau=None if np.isnan(tau) else float(tau),
    )
