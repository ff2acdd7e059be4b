"""A fixed network as an ONNX file that says how pictures are prepared for it."""

import io
import json
import os
import warnings
from collections.abc import Mapping

import onnx
import torch
from torch import Tensor, nn

from mmpanonas.deployment.networks import BackboneNetwork, BranchesNetwork, PanopticNetwork
from mmpanonas.deployment.operators import OPSET, standard_operators
from mmpanonas.deployment.refusals import check_form
from mmpanonas.errors import InputError, in_a_line
from mmpanonas.models import Choice
from mmpanonas.onnx import KEY

FORMS = dict(panoptic=PanopticNetwork, raw=BranchesNetwork, backbone=BackboneNetwork)


def export(model: nn.Module, path: str | os.PathLike, form: str, facts: Mapping) -> nn.Module:
    """Write a network as an ONNX file, which ``onnx.checker`` has looked at.

    Args:
        model: a detector without open choices; its backbone alone is read for ``backbone``.
        path: of the file.
        form: ``panoptic``, ``raw`` or ``backbone``.
        facts: what the file says of itself, see :func:`mmpanonas.deployment.facts.facts_of`.

    Returns:
        What was exported, as a module.

    Raises:
        InputError: the form is not of this model, or an operation has no ONNX form.
    """
    check_form(model, form)
    network = FORMS[form](model.cpu().eval()).eval()
    example = _example(form)
    content = _written(network, example)
    file = onnx.load_from_string(content)
    facts = dict(facts, form=form, divisor=network.prepared.divisor)
    onnx.helper.set_model_props(file, {KEY: json.dumps(facts)})
    onnx.checker.check_model(file, full_check=True)
    onnx.save(file, os.fspath(path))
    return network


def _example(form: str) -> tuple[Tensor, ...]:
    """Pictures that are followed through the network; what they show is of no matter."""
    generator = torch.Generator().manual_seed(0)
    count = 1 if form == "panoptic" else 2
    pictures = torch.randint(256, (count, 96, 130, 3), generator=generator, dtype=torch.uint8)
    return (pictures, torch.tensor([70, 95])) if form == "panoptic" else (pictures,)


def _written(network: nn.Module, example: tuple[Tensor, ...]) -> bytes:
    with torch.no_grad():
        names = network.outputs(network(*example))
        try:
            return _as_onnx(
                network,
                example,
                input_names=list(network.inputs),
                output_names=list(names),
                dynamic_axes=network.inputs | names,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            named = _culprit(network, example)
            raise InputError(
                f"{named or 'an operation of the network'} has no ONNX form "
                f"({in_a_line(error)[:200]}): search without it, or run the network in PyTorch"
            ) from error


def _as_onnx(module: nn.Module, example: tuple[Tensor, ...], **names: object) -> bytes:
    content = io.BytesIO()
    with standard_operators(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of branches that the example takes, as all pictures do
        torch.onnx.export(module, example, content, dynamo=False, opset_version=OPSET, **names)
    return content.getvalue()


def _culprit(network: nn.Module, example: tuple[Tensor, ...]) -> str:
    """The choice of a layer that cannot be written on its own, and where it stands."""
    seen: dict[str, tuple[nn.Module, tuple]] = {}
    hooks = [
        module.register_forward_pre_hook(
            lambda module, inputs, name=name: seen.update({name: (module, inputs)})
        )
        for name, module in network.named_modules()
        if isinstance(module, Choice)
    ]
    network(*example)
    for hook in hooks:
        hook.remove()
    for name, (module, inputs) in seen.items():
        try:
            _as_onnx(module[module.active], inputs)
        except (torch.onnx.errors.OnnxExporterError, RuntimeError):
            return f"the operation {module.active} ({name.removeprefix('model.')})"
    return ""
