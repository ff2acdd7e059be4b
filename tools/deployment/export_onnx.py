"""Write a fixed network as an ONNX file of standard operators, and compare it with PyTorch's.

Of an architecture retrained, or a path that extract_path.py took out: from a picture to its
panoptic map, fusion included, at any size (a batch of one, since maps differ in size). With --raw
up to the branches, for who fuses outside: any number of pictures of one size at a time.
mmpanonas.onnx runs the file without PyTorch (docs/deployment.md).
"""

import argparse

from mmpanonas.errors import run_tool
from mmpanonas.options import add_config_options
from mmpanonas.parser import Parser, of_kind
from mmpanonas.paths import CHECKPOINT, CONFIG, NEW_FILE_HERE
from mmpanonas.values import Count


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument("config", type=CONFIG, help="config of the network, such as retrain.py")
    parser.add_argument("checkpoint", type=CHECKPOINT, help="its weights")
    parser.add_argument("out", type=NEW_FILE_HERE, help="the ONNX file")
    parser.add_argument(
        "--raw", action="store_true", help="boxes, scores, labels, masks and semantic logits"
    )
    parser.add_argument("--backbone", action="store_true", help="the backbone's feature maps alone")
    parser.add_argument(
        "--pictures",
        type=of_kind(Count),
        default=5,
        help="of the config's test set, to compare with PyTorch (5; 0: none)",
    )
    parser.add_argument("--trust-checkpoint", action="store_true", help="let CHECKPOINT run code")
    parser.excludes("--raw", "--backbone", "a file has one form")
    add_config_options(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":  # a wrong command line ends here: what follows takes seconds
    run_tool(parse)

from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

import mmpanonas.register  # noqa: F401
from mmpanonas.checkpoints.files import check_one_path, trained_meta
from mmpanonas.checkpoints.reading import trust_checkpoints
from mmpanonas.checkpoints.weights import check_weights, weights_of
from mmpanonas.config import load_config, settle_classes
from mmpanonas.datasets import Classes
from mmpanonas.deployment import compare_maps, compare_outputs, export, facts_of
from mmpanonas.deployment.refusals import check_form
from mmpanonas.inference.network import read_checkpoint, test_meta
from mmpanonas.onnx import Network


def main() -> None:
    """Check, export, compare."""
    args = parse()
    form = "raw" if args.raw else "backbone" if args.backbone else "panoptic"
    trust_checkpoints(args.trust_checkpoint)
    content = read_checkpoint(args.checkpoint)
    trained = trained_meta(content)
    cfg = load_config(args.config, args.cfg_options, Classes.of_meta(trained))
    if args.pictures:
        settle_classes(cfg, ("test_dataloader",), trained, f"the checkpoint {args.checkpoint}")
    init_default_scope(cfg.get("default_scope") or "mmdet")
    facts = facts_of(cfg, trained or test_meta(cfg))
    model = build(cfg, content, args.checkpoint)
    check_form(model, form)
    module = export(model, args.out, form, facts)
    network = Network(args.out)
    print(f"wrote {args.out}: {', '.join(network.outputs)}; onnx.checker has no objection")
    if args.pictures and form == "panoptic":
        print(compare_maps(model, network, cfg, args.pictures))
    elif args.pictures:
        print(compare_outputs(module, network, cfg, args.pictures))


def build(cfg: Config, content: dict, name: str) -> nn.Module:
    """The config's network with the weights of a checkpoint's content."""
    model = MODELS.build(cfg.model)
    check_one_path(model)
    state = weights_of(content, name)
    check_weights(model, state, name)
    model.load_state_dict(state, strict=False)  # old files count no batches
    return model.eval()


if __name__ == "__main__":
    run_tool(main)
