"""What is exported: a network from pictures in BGR bytes to maps, to branches or to features."""

import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from mmpanonas.deployment.fusion import Fusion
from mmpanonas.deployment.things import Things, find_things
from mmpanonas.models.layers.attention import thing_levels


class Prepared(nn.Module):
    """Pictures as OpenCV reads them, in the colours and the size that a network takes."""

    def __init__(self, preprocessor: DetDataPreprocessor) -> None:
        super().__init__()
        self.divisor, self.value = preprocessor.pad_size_divisor, preprocessor.pad_value
        self.turned = preprocessor._channel_conversion
        self.normal = preprocessor._enable_normalize
        if self.normal:
            self.register_buffer("mean", preprocessor.mean.clone())
            self.register_buffer("std", preprocessor.std.clone())

    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 (N, h, w, 3) BGR to float32 (N, 3, H, W), padded to the right and below."""
        x = pictures.permute(0, 3, 1, 2).float()
        if self.turned:
            x = x[:, [2, 1, 0]]
        if self.normal:
            x = (x - self.mean) / self.std
        below, right = ((-side) % self.divisor for side in pictures.shape[1:3])
        return pad(x, (0, right, 0, below), value=float(self.value))


class BackboneNetwork(nn.Module):
    """The backbone of a detector: feature maps of pictures."""

    inputs = dict(pictures={0: "batch", 1: "height", 2: "width"})

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.prepared, self.backbone = Prepared(model.data_preprocessor), model.backbone

    def outputs(self, results: tuple) -> dict:
        """Names of the outputs and of their axes that change."""
        axes = {0: "batch"}
        return {f"stage_{number}": axes for number in range(1, len(results) + 1)}

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of uint8 pictures (N, h, w, 3), the finest first."""
        return tuple(self.backbone(self.prepared(pictures)))


class BranchesNetwork(nn.Module):
    """The things and the semantic logits of pictures, for who fuses them elsewhere."""

    inputs = BackboneNetwork.inputs
    least = 0.0

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.prepared, self.model = Prepared(model.data_preprocessor), model

    def outputs(self, results: tuple) -> dict:
        """Names of the outputs and of their axes that change."""
        axes = {name: {0: "things"} for name in Things._fields}
        return axes | dict(semantic={0: "batch", 2: "height", 3: "width"})

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """As :class:`Things`, and logits (N, stuff + 1, h, w).

        Args:
            pictures: uint8 (N, h, w, 3).
        """
        x = self.prepared(pictures)
        size, padded = pictures.shape[1:3], x.shape[-2:]
        features = self.model.features(x)
        if self.model.has_things:
            things = find_things(self.model, thing_levels(features), size, self.least)
        else:
            things = _nothing(x)
        logits = self.model.semantic_head(features)["seg_preds"]
        corners = getattr(self.model.semantic_head, "align_corners", False)
        logits = interpolate(logits, tuple(padded), mode="bilinear", align_corners=corners)
        return (*things, logits[..., : size[0], : size[1]])


class PanopticNetwork(BranchesNetwork):
    """The panoptic map of a picture at its own size, and its segments."""

    inputs = dict(picture={1: "height", 2: "width"}, size={})

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        head = model.panoptic_fusion_head
        self.things, self.least = head.num_things_classes, head.rules.score_thr
        self.fusion = Fusion(
            head,
            model.roi_head.test_cfg.mask_thr_binary,
            getattr(model.roi_head.mask_head, "whole_pixels", False),
        )

    def outputs(self, results: tuple) -> dict:
        """Names of the outputs and of their axes that change."""
        return dict(panoptic={0: "own_height", 1: "own_width"}, segments={0: "segments"})

    def forward(self, picture: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`Fusion.forward`.

        Args:
            picture: uint8 (1, h, w, 3), as it was resized.
            size: int64 (2,), the picture's own height and width.
        """
        *things, logits = super().forward(picture)
        things = Things(*things)
        shown = torch.stack([torch.as_tensor(side) for side in picture.shape[1:3]])
        factor = (shown.double() / size.double()).to(things.boxes.dtype)
        boxes = things.boxes / factor[[1, 0, 1, 0]]
        corners = self.model.semantic_head.align_corners
        own = (size[0], size[1])
        logits = interpolate(logits, own, mode="bilinear", align_corners=corners)
        stuff = logits[0].argmax(0) + self.things
        return self.fusion(things._replace(boxes=boxes), stuff)


def _nothing(x: Tensor) -> Things:
    whole = torch.zeros(0, dtype=torch.int64)
    return Things(whole, x.new_zeros(0, 4), x.new_zeros(0), whole, x.new_zeros(0, 28, 28))
