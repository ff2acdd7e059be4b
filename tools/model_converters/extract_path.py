"""Write a path of a supernet as the checkpoint of a network of its own.

The weights are the supernet's, by name, and the batch norms' statistics those that a search
measures for the path, so the network scores what the path did. tools/test.py, the demo and
tools/train.py (load_from) take OUT with a config of the supernet's widths, such as
retrain_from_supernet.py, whose model.arch is ARCH.
"""

import argparse

from mmpanonas.errors import run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser
from mmpanonas.paths import CHECKPOINT, CONFIG, FILE, NEW_FILE_HERE
from mmpanonas.space import Arch


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("config", type=CONFIG, help="config of the supernet or the search")
    parser.add_argument("checkpoint", type=CHECKPOINT, help="checkpoint of the trained supernet")
    parser.add_argument("arch", type=FILE, help="the path, such as a search's arch.json")
    parser.add_argument("out", type=NEW_FILE_HERE, help="the network's checkpoint, a .pth file")
    parser.add_argument("--trust-checkpoint", action="store_true", help="let CHECKPOINT run code")
    add_config_options(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

import copy
from contextlib import suppress

from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mmpanonas.checkpoints.files import check_checkpoint, trained_meta
from mmpanonas.checkpoints.reading import trust_checkpoints
from mmpanonas.checkpoints.weights import check_weights, weights_of
from mmpanonas.config import (
    ClassesError,
    ConfigError,
    check_data,
    load_config,
    recalibration_of,
    settle_classes,
)
from mmpanonas.datasets import Classes
from mmpanonas.models.elastic import weights_of_path
from mmpanonas.recalibration import RecalibrationBatches, recalibrated
from mmpanonas.training.saving import write_checkpoint


def main() -> None:
    """Check, measure, write."""
    args = parse()
    arch = Arch.load(args.arch)
    with suppress(ClassesError):  # classes may come with the weights, which are read later
        load_config(args.config, args.cfg_options)
    trust_checkpoints(args.trust_checkpoint)
    check_checkpoint(args.checkpoint)
    content = CheckpointLoader.load_checkpoint(args.checkpoint, "cpu", logger="silent")
    state = weights_of(content, args.checkpoint)
    trained = trained_meta(content)
    cfg = load_config(args.config, args.cfg_options, Classes.of_meta(trained))
    settle_classes(cfg, (), trained, f"the checkpoint {args.checkpoint}")
    batches = recalibration_of(cfg)
    supernet, network = build(cfg, arch)
    check_weights(supernet, state, args.checkpoint)
    check_data(cfg, ())
    supernet.load_state_dict(state, strict=False)  # old files count no batches
    meta = dict(arch=arch.to_dict(), supernet=args.checkpoint)
    if trained:
        meta["dataset_meta"] = trained
    with recalibrated(supernet, RecalibrationBatches(**batches)):
        taken = {key: value.clone() for key, value in weights_of_path(supernet, network).items()}
    write_checkpoint(args.out, dict(state_dict=taken, meta=meta))
    print(f"wrote {args.out}: {len(taken)} of the supernet's {len(state)} weights, statistics new")


def build(cfg: Config, arch: Arch) -> tuple[nn.Module, nn.Module]:
    """The supernet, on the path ``arch``, and the network that it is alone.

    Raises:
        ConfigError: the config has an architecture already.
        ArchError: the architecture is none of the supernet's.
    """
    init_default_scope(cfg.get("default_scope") or "mmdet")
    supernet = MODELS.build(copy.deepcopy(cfg.model)).eval()
    space = getattr(supernet, "search_space", None)
    if space is None or space.size == 1:
        raise ConfigError(
            f"{cfg.filename} builds one network, no supernet: give the config of the supernet or "
            f"of the search"
        )
    supernet.set_arch(arch)
    alone = {key: value for key, value in cfg.model.items() if key != "elastic"}
    return supernet, MODELS.build(dict(copy.deepcopy(alone), arch=arch))


if __name__ == "__main__":
    run_tool(main)
