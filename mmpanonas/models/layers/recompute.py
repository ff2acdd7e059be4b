"""Activations computed again in the backward pass instead of kept (``with_cp``)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recomputed(block: nn.Module, x: Tensor) -> Tensor:
    """``block(x)``, of which the backward pass has gradients and statistics as without this."""

    def contexts() -> tuple[AbstractContextManager, AbstractContextManager]:
        return nullcontext(), _statistics_as_they_are(block)

    return checkpoint(block, x, use_reentrant=False, context_fn=contexts)


@contextmanager
def _statistics_as_they_are(block: nn.Module) -> Iterator[None]:
    """Batch norms normalise as before, and leave their running statistics alone.

    The forward pass has moved them; moved twice, they would follow the last batches too closely.
    """
    norms = [m for m in block.modules() if isinstance(m, _BatchNorm)]
    kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, tracked) in zip(norms, kept, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, tracked
