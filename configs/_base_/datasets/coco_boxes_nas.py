# For supernets and searches: pictures held out of training rank the candidates.
_base_ = "./coco_boxes.py"

train_dataloader = dict(dataset=_base_.nas_train)
val_dataloader = dict(
    dataset=dict(
        ann_file="annotations/instances_nas_val2017.json", data_prefix=_base_.train.data_prefix
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(
    type="CocoFitness", ann_file=_base_.data_root + "annotations/instances_nas_val2017.json"
)
test_evaluator = val_evaluator
