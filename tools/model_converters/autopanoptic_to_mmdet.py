"""Turn weights of the released code, or a backbone of DetNAS, into ours.

Writes DST, and beside it the architecture that a searched network has. How to load DST is printed:
a detector or a whole supernet with the config that it was converted for, a backbone by the
init_cfg of any model's backbone (its keys start with "backbone.").
"""

import argparse
from pathlib import Path

from mmpanonas.errors import InputError, run_tool
from mmpanonas.parser import Parser
from mmpanonas.paths import FILE, NEW_FILE_HERE
from mmpanonas.space import Arch

#: The networks that the released ones become.
CONFIGS = {
    "detector": "configs/auto_panoptic/coco/released_retrain.py",
    "supernet": "configs/auto_panoptic/coco/released_supernet.py",
}


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("src", type=FILE, help="released .pth or .pkl file")
    parser.add_argument("dst", type=NEW_FILE_HERE, help="our checkpoint, a .pth file")
    parser.add_argument(
        "--kind", required=True, choices=[*CONFIGS, "backbone"], help="what SRC holds"
    )
    parser.add_argument(
        "--config",
        type=FILE,
        help="the network to fill; default: released_retrain.py or released_supernet.py of COCO "
        "for a whole detector, and for a backbone alone what the file's shapes say",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

import mmpanonas.register  # noqa: F401 (a backbone alone comes without a config that does)
from mmpanonas.config import is_kind, load_config
from mmpanonas.convert import Released, convert, read_state
from mmpanonas.models import AutoPanoptic, SearchableShuffleNetV2
from mmpanonas.training.saving import write_checkpoint


def main(argv: list[str] | None = None) -> None:
    """Parse, read, convert, write, report."""
    args = parse(argv)
    src, dst = Path(args.src), Path(args.dst)
    if args.config:
        load_config(args.config)  # a wrong one is found before the weights are read
    state = read_state(src)
    try:
        released = Released.inspect(state)
        released.check_kind(args.kind)
        config = args.config or (CONFIGS[args.kind] if released.whole else None)
        model = target_config(released, config)
        conversion = convert(state, shapes_of(model, released.whole), released.naming)
    except InputError as error:
        raise InputError(f"{src}: {error}") from None
    meta = dict(kind=args.kind, source=src.name)
    write(dst, dict(state_dict=conversion.state, meta=meta), released.arch)
    print(f"read     {src}: {len(state)} weights")
    print(conversion.report())
    print(f"wrote    {dst}" + (f" and {arch_file(dst)}" if released.arch else ""))
    print(how_to_load(dst, released, config))


def target_config(released: Released, config: str | None) -> dict:
    """The model config, or that of a backbone alone, of the network that ``released`` becomes.

    Raises:
        InputError: the config is of another kind of network.
    """
    if config is None:
        widths = dict(channels=released.channels, blocks=released.naming.blocks)
        return dict(type="SearchableShuffleNetV2", arch=released.arch, **widths)
    cfg = load_config(config)
    model, scope = cfg.model, cfg.get("default_scope")
    if not (
        is_kind(model, AutoPanoptic, MODELS, scope)
        and is_kind(model.get("backbone"), SearchableShuffleNetV2, MODELS, scope)
    ):
        raise InputError(f"{config} is no Auto-Panoptic network; give one to --config")
    return dict(model if released.whole else model.backbone, arch=released.arch)


def shapes_of(model: dict, whole: bool) -> dict[str, torch.Tensor]:
    """The state dict of the network of ``model``, without memory for its values."""
    init_default_scope("mmdet")
    with torch.device("meta"):
        state = MODELS.build(model).state_dict()
    return state if whole else {f"backbone.{key}": value for key, value in state.items()}


def write(dst: Path, checkpoint: dict, arch: Arch | None) -> None:
    """Write the checkpoint, whole or not at all, and the architecture beside it.

    Raises:
        InputError: it cannot be written.
    """
    write_checkpoint(dst, checkpoint)
    try:
        if arch:
            arch.dump(arch_file(dst))
    except OSError as error:
        raise InputError(f"cannot write {arch_file(dst)}: {error.strerror}") from None


def arch_file(dst: Path) -> Path:
    """Where the architecture of the network in ``dst`` is written."""
    return dst.with_suffix(".arch.json")


def how_to_load(dst: Path, released: Released, config: str | None) -> str:
    """What a user does with ``dst`` next."""
    if not released.whole:
        arch = f'  arch="{arch_file(dst)}"\n' if released.arch else ""
        return (
            f"load it in a config's model.backbone by\n{arch}"
            f"  channels={released.channels}, blocks={released.naming.blocks}\n"
            f'  init_cfg=dict(type="PretrainedBackbone", checkpoint="{dst}")\n'
            f'  shuffle="interleave" (Auto-Panoptic, supernets of DetNAS) or "even_odd" (single '
            f"backbones of DetNAS): the file does not say"
        )
    command = f"test it with\n  python tools/test.py {config} {dst}"
    if released.arch is None:
        return f"{command} --arch ARCH.json"
    configured = load_config(config).model.arch
    if configured and Arch.load(configured) == released.arch:
        return command
    return f"{command} --cfg-options model.arch={arch_file(dst)}"


if __name__ == "__main__":
    run_tool(main)
