# ADE20K, 100 things and 50 stuff, as tools/dataset_converters/ade20k.py writes it (docs/data.md).
# PanopticDataset counts things first in any order of the file's categories; MMDetection's
# ADE20KPanopticDataset takes labels in the file's order, which is another in Mask2Former's files.
_base_ = "./coco_panoptic.py"

data_root = "data/ADEChallengeData2016/"
train = dict(
    type="PanopticDataset",
    data_root=data_root,
    ann_file="ade20k_panoptic_train.json",
    data_prefix=dict(img="images/training/", seg="ade20k_panoptic_train/"),
)

train_dataloader = dict(dataset=train)
val_dataloader = dict(
    dataset=dict(
        type="PanopticDataset",
        data_root=data_root,
        ann_file="ade20k_panoptic_val.json",
        data_prefix=dict(img="images/validation/", seg="ade20k_panoptic_val/"),
    )
)
test_dataloader = val_dataloader
recalibration = dict(dataset=dict(train, ann_file="ade20k_panoptic_nas_train.json"))
