_base_ = "./shapes_retinanet_supernet.py"

val_cfg = dict(
    type="SearchLoop",
    metric="coco/bbox_mAP",
    strategy=dict(type="Evolution", generations=4, population=8, parents=3, mutants=3, crosses=3),
    recalibration=_base_.recalibration,
)
