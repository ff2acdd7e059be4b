"""Check this project on a GPU: ten lines and a JSON to send us.

    python tools/gpu_check.py [--out gpu_check.json]

Pictures are rendered at COCO's size, weights are random. Compared with the CPU: mmcv's operators,
deformable convolution under autocast, one training loss. Measured, in each precision: training
passes of the supernet and of a fixed network, and a recalibrated candidate of a search, with time
and peak memory, beside what is predicted for float32. With two GPUs the supernet is trained on
both, by NCCL. A part that fails is reported and the others go on; the exit code is then 1.
"""

import argparse
import copy
import json
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from statistics import median

from mmengine.config import Config

from mmpanonas.errors import InputError, run_tool
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import CONFIG, NEW_FILE_HERE, NEW_FOLDER
from mmpanonas.values import Pixels, PositiveInt, Threads

PRECISIONS = ("float32", "float16", "bfloat16")

DEFAULT = "configs/auto_panoptic/custom_full/search_evolution.py"


def parse() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--config", type=CONFIG, default=DEFAULT, help="of a search; class counts left open"
    )
    parser.add_argument(
        "--out", type=NEW_FILE_HERE, default="gpu_check.json", help="file of all figures"
    )
    parser.add_argument(
        "--device", choices=["cuda", "cpu"], default="cuda", help="cpu tries the check itself"
    )
    parser.add_argument(
        "--size", type=of_kind(Pixels), nargs=2, default=(480, 800), help="height and width"
    )
    parser.add_argument("--pictures", type=of_kind(PositiveInt), default=64, help="of training")
    parser.add_argument(
        "--iterations", type=of_kind(PositiveInt), default=36, help="of each training"
    )
    parser.add_argument(
        "--num-workers", type=of_kind(Threads), default=8, help="that read pictures"
    )
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument(
        "--as-rank", type=NEW_FOLDER, help="of pictures: be a rank of the last part"
    )
    return parser.parse_args()


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

import torch
import torch.distributed as dist
from mmcv.ops import RoIAlign, nms
from mmdet.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor, nn

import mmpanonas.register  # noqa: F401
from mmpanonas.config import load_config
from mmpanonas.datasets.nas_split import split_nas
from mmpanonas.datasets.shapes import write_shapes
from mmpanonas.distributed import distribute_on_cpu
from mmpanonas.models.layers.head_ops import DeformableConv
from mmpanonas.models.memory import training_memory
from mmpanonas.search.evaluator import build_evaluator


def difference(ours: Tensor, reference: Tensor) -> float:
    """Relative error, Euclidean norm over all elements."""
    ours, reference = ours.detach().double().cpu(), reference.detach().double().cpu()
    return float((ours - reference).norm() / reference.norm())


def gradients(module: nn.Module, x: Tensor) -> list[Tensor]:
    """The output of ``module`` and the gradients of its mean square, of input and weights."""
    x = x.detach().requires_grad_()
    module.zero_grad()
    out = module(x)
    out.square().mean().backward()
    return [out, x.grad, *(weight.grad for weight in module.parameters())]


def check_operators(device: str) -> dict[str, float]:
    """mmcv's operators on ``device`` against their values on the CPU, in float32.

    Without TF32, which rounds what convolutions around the operator are given.
    """
    torch.manual_seed(0)
    layer = DeformableConv(64, 32, 3, padding=1)
    nn.init.normal_(layer.conv_offset.weight, std=0.05)
    x = torch.randn(2, 64, 50, 84)
    expected = [value.clone() for value in gradients(layer, x)]
    with torch.backends.cudnn.flags(allow_tf32=False):
        found = gradients(layer.to(device), x.to(device))
    pairs = list(zip(found, expected, strict=True))
    corners = torch.rand(300, 4) * 200
    boxes = torch.cat((corners[:, :2], corners[:, :2] + corners[:, 2:] + 1), dim=1)
    rois = torch.cat((torch.randint(0, 2, (300, 1)).float(), boxes), dim=1)
    align, scores = RoIAlign(7, 1 / 4, 2), torch.rand(300)
    kept = [nms(boxes.to(place), scores.to(place), 0.5)[1].cpu() for place in ("cpu", device)]
    return dict(
        deformable_output=difference(*pairs[0]),
        deformable_gradients=max(difference(*pair) for pair in pairs[1:]),
        roi_align=difference(align(x.to(device), rois.to(device)), align(x, rois)),
        nms_equal=torch.equal(*kept),
    )


@torch.no_grad()
def check_autocast(device: str, size: tuple[int, int]) -> dict[str, float]:
    """Deformable convolution on a map (H, W) in each precision against the CPU's float32."""
    torch.manual_seed(0)
    layer = DeformableConv(64, 32, 3, padding=1)
    nn.init.normal_(layer.conv_offset.weight, std=0.05)
    coarse = torch.randn(1, 64, size[0] // 4, size[1] // 4)
    x = nn.functional.interpolate(coarse, size, mode="bicubic")
    expected, layer = layer(x), layer.to(device)
    found = {}
    for name in PRECISIONS:
        with torch.autocast(device, getattr(torch, name), enabled=name != "float32"):
            found[name] = difference(layer(x.to(device)), expected)
    return found


class Watch(Hook):
    """Seconds of each training iteration, reading of pictures apart, losses, the largest size."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.losses: list[float] = []
        self.size = (0, 0)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Start, when what the device was given is done."""
        self._start = wait()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Stop likewise."""
        self.seconds.append(wait() - self._start)
        self.losses.append(outputs["loss"].item())
        sizes = [self.size, *(picture.shape[-2:] for picture in data_batch["inputs"])]
        self.size = tuple(map(max, zip(*sizes, strict=True)))


def wait() -> float:
    """The clock, after what the GPU was given is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def peak_gib() -> float:
    """The most memory that tensors took since the last call, in GiB."""
    if not torch.cuda.is_available():
        return 0.0
    peak = torch.cuda.max_memory_allocated() / 2**30
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return peak


def make_config(args: argparse.Namespace, folder: Path, precision: str, **options) -> Config:
    """The config on the rendered pictures, for a short training without validation."""
    loading = {"num_workers": args.num_workers, "persistent_workers": args.num_workers > 0}
    chosen = {"data_root": f"{folder}/", "work_dir": f"{folder}/work", **options}
    chosen |= {"param_scheduler": [], "optim_wrapper.optimizer.lr": 1e-4}
    for loader in ("train_dataloader", "val_dataloader"):
        chosen |= {f"{loader}.{key}": value for key, value in loading.items()}
    cfg = load_config(args.config, chosen)
    cfg.train_cfg = dict(type="IterBasedTrainLoop", max_iters=args.iterations, val_begin=10**9)
    cfg.visualizer = dict(type="Visualizer", name=f"{precision}{time.time()}", vis_backends=None)
    cfg.log_level, cfg.default_hooks.checkpoint = "ERROR", None
    if precision != "float32" and args.device == "cuda":  # MMEngine trains so on GPUs alone
        fair = cfg.optim_wrapper.type.startswith("Fair")
        cfg.optim_wrapper.type = "FairAmpOptimWrapper" if fair else "AmpOptimWrapper"
        cfg.optim_wrapper.dtype = precision
        # bfloat16 has float32's range: its gradients need no scale.
        cfg.optim_wrapper.loss_scale = "dynamic" if precision == "float16" else 1.0
    return cfg


def train(cfg: Config) -> tuple[dict, Runner]:
    """Train as tools/train.py does; median seconds a pass, pictures a second, memory, losses."""
    cfg = Config(cfg.to_dict())
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    watch = Watch()
    runner = Runner.from_cfg(cfg)
    runner.register_hook(watch, "LOWEST")
    peak_gib()
    runner.train()
    seconds = median(watch.seconds[len(watch.seconds) // 3 :])
    figures = dict(
        seconds=seconds,
        pictures_per_second=cfg.train_dataloader.batch_size / seconds,
        peak_gib=peak_gib(),
        predicted_gib=predicted_gib(cfg, watch.size),
        first_loss=watch.losses[0],
        last_loss=watch.losses[-1],
        all_seconds=watch.seconds,
    )
    return figures, runner


def predicted_gib(cfg: Config, size: tuple[int, int], paths: int = 4) -> float:
    """What training on pictures of ``size`` takes at most, in float32 (predict_memory.py)."""
    model = MODELS.build(cfg.model).to("meta").train()
    size, space = tuple(-(-side // 32) * 32 for side in size), model.search_space
    peaks = []
    for path in range(paths if space.size > 1 else 1):
        model.set_arch(space.fair_path(0, path))
        peaks.append(training_memory(model, size, cfg.train_dataloader.batch_size).peak)
    return max(peaks) / 2**30


def check_ranks(args: argparse.Namespace, folder: Path) -> dict:
    """Two ranks by NCCL, where there are two GPUs."""
    if torch.cuda.device_count() < 2:
        return dict(skipped=f"two ranks need two GPUs, here: {torch.cuda.device_count()}")
    return train_on_two_ranks(args, folder)


def train_on_two_ranks(args: argparse.Namespace, folder: Path) -> dict:
    """Figures of the supernet's training on two ranks, which must end with equal weights."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command += [__file__, "--as-rank", folder, "--config", args.config, "--device", args.device]
    command += ["--iterations", args.iterations, "--num-workers", args.num_workers]
    subprocess.run(list(map(str, command)), check=True, timeout=1800)
    ranks = [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(2)]
    if not all(rank["equal_weights"] for rank in ranks):
        raise RuntimeError("after the training the ranks' weights are not equal")
    return dict(
        seconds=max(rank["seconds"] for rank in ranks),
        pictures_per_second=sum(rank["pictures_per_second"] for rank in ranks),
        peak_gib=max(rank["peak_gib"] for rank in ranks),
        backend=ranks[0]["backend"],
        first_losses=[rank["first_loss"] for rank in ranks],
        equal_weights=True,
    )


def train_rank(args: argparse.Namespace) -> None:
    """What each rank of :func:`train_on_two_ranks` does; leaves its figures in the folder."""
    folder = Path(args.as_rank)
    cfg = make_config(args, folder, "float32")
    cfg.launcher = "pytorch"
    if args.device == "cpu":
        distribute_on_cpu(cfg)
    figures, runner = train(cfg)
    equal = True
    for parameter in runner.model.parameters():
        first = parameter.detach().clone()
        dist.broadcast(first, 0)
        equal &= torch.equal(first, parameter)
    figures |= dict(equal_weights=equal, backend=dist.get_backend())
    (folder / f"rank{dist.get_rank()}.json").write_text(json.dumps(figures))


def check_candidate(cfg: Config, runner: Runner, precision: str) -> dict:
    """Evaluate two paths as a search does; the second finds its pictures decoded."""
    settings = dict(precision=precision, picture_memory=8192)
    # The training ran without validation: what a search reads of it comes from the whole config.
    for key in ("val_cfg", "val_dataloader", "val_evaluator"):
        runner.cfg[key] = copy.deepcopy(cfg[key])
    runner.cfg.val_cfg.update(settings)
    evaluate = build_evaluator(runner)
    space, seconds = runner.model.search_space, []
    peak_gib()
    for iteration in range(2):
        start = wait()
        metrics = evaluate(space.fair_path(0, iteration))
        seconds.append(wait() - start)
    return dict(
        first_seconds=seconds[0],
        seconds=seconds[1],
        recalibration_pictures=sum(len(batch["inputs"]) for batch in evaluate.batches),
        pictures=len(evaluate.dataloader.dataset),
        peak_gib=peak_gib(),
        metrics=metrics,
    )


def check_loss(cfg: Config, runner: Runner) -> dict[str, float]:
    """Semantic loss of one path on one training picture, on the device and on the CPU."""
    model, losses = runner.model, {}
    batch = pseudo_collate([DATASETS.build(cfg.train_dataloader.dataset)[0]])
    device = next(model.parameters()).device
    model.eval().set_arch(model.search_space.fair_path(1, 0))
    for place in (device, torch.device("cpu")):
        data = model.to(place).data_preprocessor(batch, True)
        with torch.no_grad():
            features = model.features(data["inputs"])
            found = model.semantic_head.loss(features, data["data_samples"])
        losses[place.type] = float(next(iter(found.values())))
    model.to(device)
    return losses


class Report:
    """Figures of each part, and the parts that failed."""

    def __init__(self) -> None:
        self.parts: dict[str, object] = {}
        self.failed: list[str] = []

    def run(self, name: str, function: Callable[[], object]) -> None:
        """Note and print the figures of a part, or its error."""
        try:
            self.parts[name] = function()
        except (InputError, KeyboardInterrupt):
            raise
        except Exception as error:
            traceback.print_exc()
            self.parts[name] = dict(error=f"{type(error).__name__}: {error}"[:500])
            self.failed.append(name)
        shown = {k: v for k, v in self.parts[name].items() if k != "all_seconds"}
        print(f"{name}: {json.dumps(shown, default=lambda value: f'{value:.4g}')}", flush=True)


def main() -> None:
    """Parse, check, write."""
    args = parse()
    if args.device == "cuda" and not torch.cuda.is_available():
        raise InputError("this PyTorch finds no GPU: install its CUDA build, or give --device cpu")
    load_config(args.config, classes=(("thing",), ("stuff",)))  # a wrong one is found at once
    init_default_scope("mmdet")
    if args.as_rank:
        train_rank(args)
        return
    name = torch.cuda.get_device_name() if args.device == "cuda" else "CPU"
    report = Report()
    report.parts["machine"] = dict(device=name, torch=torch.__version__, cuda=torch.version.cuda)
    print(f"machine: {json.dumps(report.parts['machine'])}", flush=True)
    report.run("operators", lambda: check_operators(args.device))
    report.run("autocast", lambda: check_autocast(args.device, (200, 334)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_shapes(folder, {"train": args.pictures + 24, "val": 1}, size=tuple(args.size))
        split_nas(folder / "annotations/panoptic_train.json", 24)
        _check_networks(args, folder, report)
        report.run("ranks", lambda: check_ranks(args, folder))
    Path(args.out).write_text(json.dumps(report.parts, indent=2))
    print(f"all figures: {args.out}" + (f"; failed: {report.failed}" if report.failed else ""))
    raise SystemExit(1 if report.failed else 0)


def _check_networks(args: argparse.Namespace, folder: Path, report: Report) -> None:
    for precision in args.precision:
        cfg = make_config(args, folder, precision)
        held = []

        def supernet(cfg=cfg, held=held) -> dict:
            figures, runner = train(cfg)
            held.append(runner)
            return figures

        report.run(f"supernet, {precision}", supernet)
        if held:
            if precision == "float32":
                report.run("loss", lambda cfg=cfg, held=held: check_loss(cfg, held[0]))
            report.run(
                f"candidate, {precision}",
                lambda cfg=cfg, held=held, name=precision: check_candidate(cfg, held[0], name),
            )
        held.clear()
        fixed = make_config(args, folder, precision)
        fixed.model.arch = MODELS.build(fixed.model).search_space.fair_path(0, 0).to_dict()
        fixed.optim_wrapper.type = fixed.optim_wrapper.type.removeprefix("Fair")
        fixed.default_hooks.pop("fairness")
        report.run(f"fixed network, {precision}", lambda cfg=fixed: train(cfg)[0])


if __name__ == "__main__":
    run_tool(main)
