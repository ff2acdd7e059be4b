default_scope = "mmdet"
custom_imports = dict(imports=["mmpanonas.register"], allow_failed_imports=False)

default_hooks = dict(
    runtime_info=dict(type="SeldomReadInfoHook"),
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="WholeCheckpointHook", by_epoch=False, interval=6000, max_keep_ckpts=3),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    progress=dict(type="ProgressBarHook"),
    checkpoint_kind=dict(type="CheckpointKindHook"),
    validate_as_saved=dict(type="ValidateAsSavedHook"),
    report_presets=dict(type="ReportPresetsHook"),
    invalid_loss=dict(type="StopOnInvalidLossHook"),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl"),
)
randomness = dict(seed=0)

vis_backends = [dict(type="LocalVisBackend"), dict(type="TensorboardVisBackend")]
visualizer = dict(type="PanopticVisualizer", vis_backends=vis_backends, name="visualizer")
log_processor = dict(type="LogProcessor", window_size=50, by_epoch=False)
log_level = "INFO"
load_from = None
resume = False
trust_checkpoint = False  # True lets checkpoints run code: for files whose writer you trust
