"""The box head of the released code: fully connected layers with GroupNorm."""

from collections import OrderedDict

from mmcv.cnn import build_norm_layer
from mmdet.models.roi_heads.bbox_heads import Shared2FCBBoxHead
from mmdet.registry import MODELS
from torch import nn

from mmpanonas.values import checked


@MODELS.register_module()
class Shared2FCGNBBoxHead(Shared2FCBBoxHead):
    """MMDetection's box head whose two shared layers have a GroupNorm instead of a bias.

    Args:
        *args, **kwargs: of ``Shared2FCBBoxHead``.
        norm_cfg: the norm layer behind each fully connected one.
        init_cfg: as in MMEngine.
    """

    @checked
    def __init__(
        self,
        *args,
        norm_cfg: dict = dict(type="GN", num_groups=32, requires_grad=True),  # noqa: B006
        init_cfg: dict | list | None = None,
        **kwargs,
    ) -> None:
        # MMDetection's own would draw the norms' weights as well.
        predictors = [dict(type="Normal", name="fc_cls", std=0.01)]
        predictors += [dict(type="Normal", name="fc_reg", std=0.001)]
        init_cfg = init_cfg or dict(
            type="Xavier", layer="Linear", distribution="uniform", override=predictors
        )
        super().__init__(*args, norm_cfg=norm_cfg, init_cfg=init_cfg, **kwargs)

    def _add_conv_fc_branch(self, *args, **kwargs) -> tuple[nn.ModuleList, nn.ModuleList, int]:
        convs, layers, width = super()._add_conv_fc_branch(*args, **kwargs)
        return convs, nn.ModuleList(self._normed(layer) for layer in layers), width

    def _normed(self, layer: nn.Linear) -> nn.Sequential:
        width = layer.out_features
        return nn.Sequential(
            OrderedDict(
                fc=nn.Linear(layer.in_features, width, bias=False),
                gn=build_norm_layer(self.norm_cfg, width)[1],
            )
        )
