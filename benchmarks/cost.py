"""Cost of an architecture by arithmetic against counting on its network.

    python benchmarks/cost.py [--config coco/supernet.py] [--architectures 20]

Counting is given the best of conditions: the network is built once, without weights, a
supernet whose path is changed, and on PyTorch's meta device shapes flow through it and
nothing is computed. Building the fixed network anew for every architecture and running it on
a picture, as counters in common use do, comes on top of that. Both sides must agree to the
last unit, multiply-accumulates and parameters, module by module.
"""

import argparse
import sys

import numpy as np
import torch
from common import ROOT, in_turn, machine

sys.path.insert(0, str(ROOT))

from mmpanonas.space import Arch, network_cost
from mmpanonas.space.cost import TEST_SIZE
from tests.counting import build, counted_macs, counted_params, deformable_shapes, modules_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="coco/supernet.py", help="below auto_panoptic")
    parser.add_argument("--architectures", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    supernet, shape = build(args.config, None)
    rng = np.random.default_rng(0)
    archs = [supernet.search_space.sample(rng) for _ in range(args.architectures)]

    def count(arch: Arch) -> dict[str, int]:
        supernet.set_arch(arch)
        return counted_macs(supernet, shape, TEST_SIZE)

    with deformable_shapes():
        for arch in archs:
            cost = network_cost(arch, shape)
            if {name: c.macs for name, c in cost.items()} != count(arch):
                raise SystemExit(f"multiply-accumulates differ for {arch}")
        parts = modules_of(build(args.config, archs[0])[0])
        counted = {name: counted_params(part) for name, part in parts.items()}
        if counted != {name: c.params for name, c in network_cost(archs[0], shape).items()}:
            raise SystemExit("parameters differ")
        seconds = in_turn(
            {
                "by arithmetic": lambda: [network_cost(arch, shape) for arch in archs],
                "counted on a built supernet": lambda: [count(arch) for arch in archs],
                "built, then counted": lambda: build(args.config, archs[0]) and count(archs[0]),
            },
            args.rounds,
        )
    print(machine())
    print(f"{args.config} at {TEST_SIZE[0]} x {TEST_SIZE[1]}, minimum of {args.rounds} rounds")
    each = {name: min(values) / len(archs) for name, values in seconds.items()}
    each["built, then counted"] *= len(archs)
    for name, value in each.items():
        print(f"{name:30} {1e3 * value:10.3f} ms {value / each['by arithmetic']:10.0f}")


if __name__ == "__main__":
    with torch.no_grad():
        main()
