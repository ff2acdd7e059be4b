"""The detector: a two-stage panoptic segmentor whose parts are searched together."""

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from mmdet.models.detectors import TwoStagePanopticSegmentor
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.structures.bbox import bbox2roi
from mmengine.config import ConfigDict
from mmengine.model import initialize
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmpanonas.errors import InputError
from mmpanonas.models.elastic import resized, size_parts, slice_detector
from mmpanonas.models.fusion_head import AutoPanopticFusionHead
from mmpanonas.models.layers.attention import Attended, apply_gates, thing_levels
from mmpanonas.models.layers.choice import Searchable, SearchableNetwork
from mmpanonas.models.layers.equal_shapes import of_equal_shape
from mmpanonas.models.layers.float32 import float32_output
from mmpanonas.models.layers.sliced import is_sliced, used_rows
from mmpanonas.models.mask_head import paste_masks
from mmpanonas.models.semantic_head import SharedSemanticHead
from mmpanonas.space import Arch
from mmpanonas.space.model import value_at


@MODELS.register_module()
class AutoPanoptic(SearchableNetwork, TwoStagePanopticSegmentor):
    """MMDetection's panoptic segmentor with an architecture and inter-modular attention.

    Args:
        backbone, neck, roi_head, semantic_head: configs; searchable or not.
        things_to_stuff: config of the attention that gates the semantic head's features, or
            None.
        stuff_to_things: config of the attention that gates the feature pyramid for the RPN
            and the RoI heads, or None.
        arch: None for the supernet, else the architecture of the fixed network (anything
            ``Arch.load`` reads). It becomes the ``arch`` of every searchable part, and must
            have these parts and no others, save an attention that is ``whole``; to fix one
            part alone, or to read it from an architecture that has more, give the part's own
            config an ``arch``.
        elastic: what widths and depths choose from (docs/elastic.md): ``stage_widths`` (stem and
            four stages), ``stage_depths``, ``pyramid_width``, ``mask_width``,
            ``semantic_width``; each a list of choices, or a list of them for each place. They are
            factors of the widths in the configs of the modules.
        init_from_supernet: checkpoint, or work dir, of the supernet that ``arch`` was searched
            in: a training begins with its weights. None: as ``init_cfg`` says.
        **kwargs: of ``TwoStagePanopticSegmentor``.

    Without thing classes (``num_classes=0`` of the RoI heads) the thing branch idles: its modules
    are built as for one class, so that the space, the cost and the weights' names stay, and are
    neither trained nor asked.

    Attributes:
        has_things: whether there are thing classes.

    Raises:
        ArchError: the architecture does not fit the model.
        InputError: ``test_cfg.rcnn.score_thr`` is above the fusion's.
    """

    #: Data without things, or without stuff, are trained and tested.
    needs_both_kinds = False

    def __init__(
        self,
        backbone: dict,
        roi_head: dict,
        semantic_head: dict,
        neck: dict | None = None,
        things_to_stuff: dict | None = None,
        stuff_to_things: dict | None = None,
        arch: object = None,
        elastic: dict | None = None,
        init_from_supernet: str | None = None,
        **kwargs,
    ) -> None:
        has_things = value_at(roi_head, "bbox_head.num_classes", None) != 0
        if not has_things:
            roi_head = _with_one_class(roi_head)
        if arch is not None:
            arch = Arch.load(arch)
            backbone, neck, semantic_head, things_to_stuff, stuff_to_things = (
                _with_arch(part, arch)
                for part in (backbone, neck, semantic_head, things_to_stuff, stuff_to_things)
            )
            roi_head = dict(roi_head, mask_head=_with_arch(roi_head["mask_head"], arch))
        modules = dict(
            backbone=backbone,
            neck=neck,
            roi_head=roi_head,
            semantic_head=semantic_head,
            rpn_head=kwargs.pop("rpn_head", None),
            things_to_stuff=things_to_stuff,
            stuff_to_things=stuff_to_things,
        )
        parts = size_parts(modules, elastic, arch)
        if parts:
            modules = resized(modules, parts)
        things_to_stuff, stuff_to_things = (
            modules.pop(name) for name in ("things_to_stuff", "stuff_to_things")
        )
        super().__init__(**modules, **kwargs)
        self.has_things, self.init_from_supernet = has_things, init_from_supernet
        self.things_to_stuff = things_to_stuff and MODELS.build(things_to_stuff)
        self.stuff_to_things = stuff_to_things and MODELS.build(stuff_to_things)
        self.size_parts = nn.ModuleList(parts)
        slice_detector(self, parts)
        # Under autocast convolutions give fewer bits than RoIAlign, suppression and losses take.
        heads = (self.rpn_head, self.roi_head.bbox_head, self.roi_head.mask_head)
        for module in (self.neck, *heads, self.semantic_head):
            module.register_forward_hook(float32_output)
        self._settle_score_thr()
        if arch is not None:
            self.search_space.check(arch)

    def set_arch(self, arch: object) -> None:
        """Make ``arch`` the active path. Raises ``ArchError`` if it is not in the space."""
        if self.size_parts and not is_sliced(self.backbone.stem.bn):
            slice_detector(self, self.size_parts)  # SyncBN replaces all norms after the building
        super().set_arch(arch)

    def used_rows(self) -> dict[nn.Parameter, tuple[Callable[[], int], int]]:
        """Of every weight that widths slice: asks how many output channels the last pass used."""
        return used_rows(self)

    def init_weights(self) -> None:
        """As configured; a supernet's weights come last, for parts draw their own before."""
        super().init_weights()
        if self.init_from_supernet is not None:
            initialize(self, dict(type="FromSupernet", checkpoint=self.init_from_supernet))

    def _settle_score_thr(self) -> None:
        """Boxes are found down to the score that the fusion takes, unless the config says lower."""
        test_cfg = self.roi_head.test_cfg
        rules = getattr(self.panoptic_fusion_head, "rules", None)
        if test_cfg is None:
            return
        limit = test_cfg.get("score_thr")
        if rules is None:
            if limit is None:
                raise InputError(
                    f"model.test_cfg.rcnn.score_thr: expected a number, since a "
                    f"{type(self.panoptic_fusion_head).__name__} has no limit of its own"
                )
        elif limit is None:
            self.roi_head.test_cfg = ConfigDict(test_cfg, score_thr=rules.score_thr)
        elif limit > rules.score_thr:
            raise InputError(
                f"model.test_cfg.rcnn.score_thr is {limit} and drops boxes that the fusion would "
                f"take from {rules.score_thr} on: set model.test_cfg.panoptic.score_thr, and leave "
                f"the other out or None"
            )

    def features(self, batch_inputs: Tensor) -> Sequence[Tensor] | Attended:
        """What the heads take of pictures (N, 3, H, W): as :meth:`attend` has it."""
        return self.attend(super().extract_feat(batch_inputs))

    def extract_feat(self, batch_inputs: Tensor) -> Sequence[Tensor]:
        """P2 to P6 as the thing branch sees them; :meth:`features` has the stuff branch's too."""
        return thing_levels(self.features(batch_inputs))

    def attend(self, x: Sequence[Tensor]) -> Sequence[Tensor] | Attended:
        """Let the branches gate each other; both sets of gates come from ungated features.

        Args:
            x: P2 to P6, each (N, C, h_i, w_i).

        Returns:
            ``x`` itself without attention.
        """
        to_stuff, to_things = map(_present, (self.things_to_stuff, self.stuff_to_things))
        if to_stuff is None and to_things is None:
            return x
        size, maps = x[0].shape[-2:], self.semantic_head.features(x)
        levels, semantic = x, maps
        if to_stuff is not None:
            semantic = apply_gates(maps, to_stuff(x[1:], size))
        if to_things is not None:
            levels = apply_gates(x, to_things(maps, size))
        return Attended(tuple(levels), tuple(semantic))

    def loss(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """The losses of the branches that have classes.

        Without things ``loss_idle`` is 0, and the gradients of all that idles are too, for ranks
        wait for the gradient of every weight.
        """
        x = self.features(batch_inputs)
        things = self._thing_losses(thing_levels(x), batch_data_samples) if self.has_things else {}
        losses = things | self.semantic_head.loss(x, batch_data_samples)
        if self.has_things:
            return losses
        idle = [self.rpn_head, self.roi_head, self.stuff_to_things]
        weights = [w for module in idle if module is not None for w in module.parameters()]
        return losses | dict(loss_idle=sum(0 * w.sum() for w in weights if w.requires_grad))

    def _thing_losses(
        self, levels: Sequence[Tensor], batch_data_samples: SampleList
    ) -> dict[str, Tensor]:
        """Of the RPN, to which all things are of one class, and of the RoI heads."""
        unlabelled = copy.deepcopy(batch_data_samples)
        for sample in unlabelled:
            sample.gt_instances.labels.zero_()
        config = self.train_cfg.get("rpn_proposal", self.test_cfg.rpn)
        found, proposals = self.rpn_head.loss_and_predict(levels, unlabelled, proposal_cfg=config)
        # The RPN may be a head of boxes, whose losses have the names of the RoI heads'.
        losses = {k if "rpn" in k or "loss" not in k else f"rpn_{k}": v for k, v in found.items()}
        return losses | self.roi_head.loss(levels, proposals, batch_data_samples)

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: SampleList, rescale: bool = True
    ) -> SampleList:
        """MMDetection's answer, ``pred_panoptic_seg`` at the original size, for less work.

        Only things that the fusion may keep get masks, as crops, and semantic logits are never
        held at the picture's size. (``roi_head.predict`` gives all detections and whole masks,
        ``semantic_head.predict`` the logits.) Heads of other types, given proposals and
        ``rescale=False`` go MMDetection's way. Pictures of unlike sizes take turns, for padding
        would change their maps.
        """
        for inputs, samples in of_equal_shape(batch_inputs, batch_data_samples):
            self._predict(inputs, samples, rescale)
        return batch_data_samples

    def _predict(self, batch_inputs: Tensor, batch_data_samples: SampleList, rescale: bool) -> None:
        """Write ``pred_panoptic_seg`` of pictures of one size into their samples."""
        ours = (
            isinstance(self.panoptic_fusion_head, AutoPanopticFusionHead)
            and isinstance(self.semantic_head, SharedSemanticHead)
            and type(self.roi_head) is StandardRoIHead  # others make masks in ways of their own
        )
        metas = [sample.metainfo for sample in batch_data_samples]
        x = self.features(batch_inputs)
        levels = thing_levels(x)
        if self.has_things and (not ours or not rescale or "proposals" in batch_data_samples[0]):
            proposals = self._proposals(levels, batch_data_samples)
            things = self.roi_head.predict(levels, proposals, batch_data_samples, rescale=rescale)
            stuff = self.semantic_head.predict(x, metas, rescale)
        else:
            things = self.predict_things(levels, batch_data_samples)
            stuff = self.semantic_head.predict_labels(x, metas)
        maps = self.panoptic_fusion_head.predict(things, stuff)
        self.add_pred_to_datasample(batch_data_samples, maps)

    def _proposals(
        self, levels: Sequence[Tensor], batch_data_samples: SampleList
    ) -> list[InstanceData]:
        """Those that the samples bring, else the RPN's."""
        if "proposals" in batch_data_samples[0]:
            return [sample.proposals for sample in batch_data_samples]
        return self.rpn_head.predict(levels, batch_data_samples, rescale=False)

    def _forward(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> tuple:
        """What the heads give, as MMDetection's (``mode="tensor"``)."""
        x = self.features(batch_inputs)
        levels = thing_levels(x)
        regions = self.roi_head(levels, self._proposals(levels, batch_data_samples))
        return (*self.rpn_head(levels), *regions, self.semantic_head(x)["seg_preds"])

    def predict_things(
        self, x: Sequence[Tensor], batch_data_samples: SampleList
    ) -> list[InstanceData]:
        """What the fusion may keep of every picture, at its original size.

        Returns:
            per picture ``bboxes`` (n, 4), ``scores``, ``labels`` (n,) and ``masks``, n
            :class:`MaskCrop`.
        """
        if not self.has_things:
            return [_nothing(x[0]) for _ in batch_data_samples]
        head, test_cfg = self.roi_head, self.roi_head.test_cfg
        metas = [sample.metainfo for sample in batch_data_samples]
        proposals = self._proposals(x, batch_data_samples)
        things = head.predict_bbox(x, metas, proposals, test_cfg)
        things = [found[self.panoptic_fusion_head.rules.passing(found.scores)] for found in things]
        logits = head._mask_forward(x, bbox2roi([found.bboxes for found in things]))["mask_preds"]
        logits = logits.split([len(found) for found in things])
        for found, own, meta in zip(things, logits, metas, strict=True):
            # By numbers: a tensor of them would be copied to the device, which waits.
            found.bboxes[:, 0::2] /= meta["scale_factor"][0]
            found.bboxes[:, 1::2] /= meta["scale_factor"][1]
            found.masks = paste_masks(
                head.mask_head,
                own,
                found.bboxes,
                found.labels,
                meta["ori_shape"][:2],
                test_cfg.mask_thr_binary,
            )
        return things


def _present(attention: Searchable | None) -> Searchable | None:
    """The attention if the active path has it."""
    return attention if attention is not None and attention.present else None


def _with_one_class(roi_head: dict) -> dict:
    """The config of RoI heads without classes, with one: PyTorch has no empty convolution."""
    heads = {key: dict(roi_head[key], num_classes=1) for key in ("bbox_head", "mask_head")}
    return dict(roi_head, **heads)


def _nothing(x: Tensor) -> InstanceData:
    """No things, as :meth:`AutoPanoptic.predict_things` has them."""
    labels = x.new_zeros(0, dtype=torch.long)
    return InstanceData(bboxes=x.new_zeros(0, 4), scores=x.new_zeros(0), labels=labels, masks=[])


def _with_arch(part: object, arch: Arch) -> object:
    """The config of a part with ``arch`` added where the part is a searchable one.

    None for one that the architecture may leave out, and does.
    """
    kind = part.get("type") if isinstance(part, Mapping) else None
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    if kind and part.get("whole") and not getattr(arch, kind.part_name):
        return None
    return dict(part, arch=arch) if kind and issubclass(kind, Searchable) else part
