"""How a config is laid out: what each dictionary that MMEngine or we read may hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import (
    DATA_SAMPLERS,
    DATASETS,
    EVALUATOR,
    FUNCTIONS,
    HOOKS,
    LOG_PROCESSORS,
    LOOPS,
    METRICS,
    MODEL_WRAPPERS,
    MODELS,
    OPTIM_WRAPPERS,
    OPTIMIZERS,
    PARAM_SCHEDULERS,
    TRANSFORMS,
    VISBACKENDS,
    VISUALIZERS,
    WEIGHT_INITIALIZERS,
    Registry,
)
from mmengine.runner import (
    EpochBasedTrainLoop,
    IterBasedTrainLoop,
    LogProcessor,
    TestLoop,
    ValLoop,
)
from torch.utils.data import DataLoader

from mmpanonas.config.judge.constructors import REGISTRIES
from mmpanonas.config.judge.ranges import RANGES
from mmpanonas.recalibration.recalibration import RecalibrationBatches
from mmpanonas.space.widths import KINDS
from mmpanonas.values import FLAG, NONE, TEXT, number, one_of, several, whole


@dataclass(frozen=True)
class Typed:
    """A dictionary that is built: ``type`` and arguments, or a list of such.

    Attributes:
        registries: where its type is looked for.
        default: classes that it may become without a type.
        more: what it holds besides arguments, taken by whoever builds it.
        required: it has a type, or a default.
    """

    registries: tuple[Registry, ...] = REGISTRIES
    default: tuple[Callable, ...] = ()
    more: Mapping[str, object] = field(default_factory=dict)
    required: bool = True


@dataclass(frozen=True)
class Fixed:
    """A dictionary with exactly these keys; ``rest``: besides others, of which we know nothing."""

    keys: Mapping[str, object]
    rest: bool = False


@dataclass(frozen=True)
class Named:
    """Any names, each with such a value."""

    item: object


class Open:
    """A value that is somebody else's; what is built within it is looked at nevertheless."""


class Closed:
    """A value that nobody looks into."""


class Section:
    """What a detector's parts read of ``train_cfg`` and ``test_cfg``."""


#: The keys of ``train_cfg`` and ``test_cfg``, and the part of a detector that reads each.
READERS = {
    "rpn": "rpn_head",
    "rpn_proposal": "rpn_head",
    "rcnn": "roi_head",
    "panoptic": "panoptic_fusion_head",
}

#: What MMDetection's configs say there and its code does not read.
UNREAD = frozenset(("debug", "mask_size", "allowed_border", "pos_weight", "max_num_grid"))
UNREAD |= {"conf_thr", "assigner", "score_voting", "isr", "carl", "k", "bias"}

_FUNCTION = Typed((FUNCTIONS,))
_DATASET = Typed((DATASETS,))
_TRANSFORM = Typed((TRANSFORMS,))
_LOADER = Typed(
    (),
    (DataLoader,),
    dict(
        sampler=Typed((DATA_SAMPLERS,)),
        batch_sampler=Typed((DATA_SAMPLERS,)),
        dataset=_DATASET,
        collate_fn=_FUNCTION,
        worker_init_fn=_FUNCTION,
        num_batch_per_epoch=whole(1),
        persistent_workers=FLAG,
        pin_memory=FLAG,
        drop_last=FLAG,
    ),
)
_METRIC = Typed((METRICS, EVALUATOR), more=dict(metrics=Typed((METRICS,))))
_HOOK = Typed((HOOKS,), more=dict(priority=whole(0, 100) | TEXT))
_CLIP = Fixed(
    dict.fromkeys(("type", "error_if_nonfinite", "foreach", "norm_type"), Open())
    | dict(max_norm=number(above=0), clip_value=number(above=0))
)
_MULTIPLIERS = ("bias_lr", "bias_decay", "norm_decay", "flat_decay", "dwconv_decay")
_PARAMWISE = Fixed(
    {f"{name}_mult": number(0) for name in (*_MULTIPLIERS, "dcn_offset_lr")}
    | dict.fromkeys(("num_layers", "decay_rate", "decay_type"), Open())  # decay by layers
    | dict(bypass_duplicate=FLAG, custom_keys=Named(Open()))
)
_OPTIMIZER = Typed((OPTIMIZERS,))
_OPTIM_WRAPPER = Typed(
    (OPTIM_WRAPPERS,),
    (OptimWrapper,),
    dict(optimizer=_OPTIMIZER, constructor=Open(), paramwise_cfg=_PARAMWISE, clip_grad=_CLIP),
)
_NMS = Fixed(
    dict.fromkeys(("type", "class_agnostic", "split_thr", "max_num"), Open())
    | dict.fromkeys(("score_threshold", "method"), Open())
    | dict.fromkeys(("iou_threshold", "iou_thr", "nms_thr", "score_thr"), number(0, 1))
    | dict(sigma=number(above=0), min_score=number(0), offset=one_of([0, 1]))
)

_ROI_LAYER = Fixed(  # of mmcv.ops, which no registry holds
    dict(
        output_size=RANGES["output_size"],
        sampling_ratio=whole(-1),
        aligned=FLAG,
        use_torchvision=FLAG,
    )
    | dict.fromkeys(("spatial_scale", "pool_mode", "deform_groups", "gamma"), Open())
    | dict.fromkeys(("output_channels", "group_size", "trans_std"), Open())
)

#: What the argument of any constructor holds, by its name.
BY_NAME: dict[str, object] = dict(
    pipeline=_TRANSFORM,
    transforms=_TRANSFORM,
    init_cfg=Typed((WEIGHT_INITIALIZERS,), required=False),
    norm_cfg=Typed((MODELS,), more=dict(requires_grad=FLAG), required=False),
    nms=_NMS,
    nms_cfg=_NMS,
    vis_backends=Typed((VISBACKENDS,)),
    roi_layer=_ROI_LAYER,
    train_cfg=Section(),
    test_cfg=Section(),
    filter_cfg=Fixed(dict(filter_empty_gt=FLAG, min_size=number(0)), rest=True),
    metainfo=Closed(),
    backend_args=Closed(),
)

#: Arguments whose ``type`` is none of a registry's: of Albumentations.
FOREIGN = {("Albu", "transforms")}

#: The keys at the top of a config that MMEngine, MMDetection's tools or we read.
TOP: dict[str, object] = dict(
    default_scope=TEXT | NONE,
    custom_imports=Fixed(dict(imports=Open(), allow_failed_imports=FLAG)),
    env_cfg=Fixed(
        dict(
            cudnn_benchmark=FLAG,
            resource_limit=whole(1),
            mp_cfg=Fixed(
                dict(
                    mp_start_method=one_of(["fork", "spawn", "forkserver"]),
                    opencv_num_threads=whole(0),
                )
            ),
            dist_cfg=Open(),
        )
    ),
    randomness=Fixed(
        dict(seed=whole(0, 2**32 - 1) | NONE, diff_rank_seed=FLAG, deterministic=FLAG)
    ),
    model=Typed((MODELS,)),
    model_wrapper_cfg=Typed((MODEL_WRAPPERS,), (MMDistributedDataParallel,)),
    data_preprocessor=Typed((MODELS,)),
    tta_model=Typed((MODELS,)),
    tta_pipeline=_TRANSFORM,
    train_dataloader=_LOADER,
    val_dataloader=_LOADER,
    test_dataloader=_LOADER,
    train_cfg=Typed((LOOPS,), (EpochBasedTrainLoop, IterBasedTrainLoop), dict(by_epoch=FLAG)),
    val_cfg=Typed((LOOPS,), (ValLoop,)),
    test_cfg=Typed((LOOPS,), (TestLoop,)),
    val_evaluator=_METRIC,
    test_evaluator=_METRIC,
    optim_wrapper=_OPTIM_WRAPPER,
    param_scheduler=Typed((PARAM_SCHEDULERS,), more=dict(convert_to_iter_based=FLAG)),
    auto_scale_lr=Fixed(dict(enable=FLAG, base_batch_size=whole(1))),
    default_hooks=Named(_HOOK),
    custom_hooks=_HOOK,
    visualizer=Typed((VISUALIZERS,)),
    log_processor=Typed((LOG_PROCESSORS,), (LogProcessor,)),
    log_level=Open(),
    launcher=TEXT,
    work_dir=TEXT | NONE,
    load_from=TEXT | NONE,
    resume=FLAG,
    experiment_name=TEXT | NONE,
    sync_bn=one_of(["torch", "mmcv"]) | NONE,
    find_unused_parameters=FLAG,
    compile=Open(),
    activation_checkpointing=Open(),
    efficient_conv_bn_eval=Open(),
    # Ours.
    trust_checkpoint=FLAG,
    data_root=TEXT | NONE,
    image_scale=several(whole(1), 2) | NONE,
    max_iters=whole(1),
    recalibration=Typed((), (RecalibrationBatches,)),
    model_widths=Fixed(KINDS),
)


def add_key(name: str, kind: Callable) -> None:
    """Let ``name`` stand at the top of a config: a dictionary of ``kind``'s arguments.

    For modules beside the package that a config brings in by ``custom_imports``.
    """
    TOP[name] = Typed((), (kind,))
