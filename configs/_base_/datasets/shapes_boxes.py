# Boxes of the embedded data set: tools/dataset_converters/instances.py makes the files.
_base_ = "./coco_boxes.py"

data_root = "data/shapes/"
image_scale = (128, 128)
metainfo = dict(classes=("disc", "square", "triangle", "star", "ring", "cross"))
train = dict(
    data_root=data_root,
    ann_file="annotations/instances_train.json",
    data_prefix=dict(img="images/train/"),
    metainfo=metainfo,
    filter_cfg=dict(filter_empty_gt=True, min_size=16),
)
val = dict(
    data_root=data_root,
    ann_file="annotations/instances_val.json",
    data_prefix=dict(img="images/val/"),
    metainfo=metainfo,
)
train_dataloader = dict(batch_size=2, num_workers=1, dataset=train)
val_dataloader = dict(batch_size=8, num_workers=1, dataset=val)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + "annotations/instances_val.json")
test_evaluator = val_evaluator

nas_train = dict(ann_file="annotations/instances_nas_train.json")
recalibration = dict(
    num_images=64,
    dataset=dict(val, ann_file=nas_train["ann_file"], data_prefix=train["data_prefix"]),
)
