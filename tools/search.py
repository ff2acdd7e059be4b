"""Search a trained supernet; writes arch.json, ranking.csv and results.jsonl."""

from mmengine.runner import Runner

from mmpanonas.cli import make_parser, prepare_search
from mmpanonas.errors import keeping, run_tool
from mmpanonas.execution import describe_results
from mmpanonas.options import of_kind
from mmpanonas.values import Workers


def main() -> None:
    """Parse, build, search."""
    parser = make_parser(__doc__, checkpoint="checkpoint of the trained supernet")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the search in the work dir"
    )
    parser.add_argument(
        "--executor",
        choices=["serial", "torchrun", "ray"],
        help="where candidates are evaluated (torchrun under --launcher pytorch, else serial)",
    )
    parser.add_argument(
        "--num-workers", type=of_kind(Workers), help="of ray (one per GPU, else per CPU)"
    )
    parser.add_argument("--ray-address", help="of a cluster: auto or host:port (a local Ray)")
    args = parser.parse_args()
    cfg = prepare_search(args)
    cfg.val_cfg.resume = args.resume
    chosen = dict(type=args.executor, workers=args.num_workers, address=args.ray_address)
    chosen = {key: value for key, value in chosen.items() if value is not None}
    cfg.val_cfg.executor = {**(cfg.val_cfg.get("executor") or {}), **chosen}
    with keeping(lambda: describe_results(cfg.work_dir)):
        Runner.from_cfg(cfg).val()


if __name__ == "__main__":
    run_tool(main)
