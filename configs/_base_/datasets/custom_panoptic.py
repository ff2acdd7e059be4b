# Any data set in COCO panoptic format. Its classes come from the annotation file; its place:
#     python tools/train.py configs/auto_panoptic/custom/supernet.py \
#         --cfg-options data_root=PATH
# or `data_root = "PATH"` in a config that inherits. The folders:
#     images/{train,val}/*
#     annotations/panoptic_{train,val}.json
#     annotations/panoptic_{train,val}/*.png
_base_ = "./coco_panoptic.py"

data_root = "data/custom/"
image_scale = (320, 240)  # of every Resize below, longer side first; shapes keep their ratio
train = dict(
    type="PanopticDataset",
    data_root=data_root,
    ann_file="annotations/panoptic_train.json",
    data_prefix=dict(img="images/train/", seg="annotations/panoptic_train/"),
)

train_dataloader = dict(batch_size=4, num_workers=2, dataset=train)
val_dataloader = dict(
    dataset=dict(
        type="PanopticDataset",
        data_root=data_root,
        ann_file="annotations/panoptic_val.json",
        data_prefix=dict(img="images/val/", seg="annotations/panoptic_val/"),
    )
)
test_dataloader = val_dataloader
nas_train = dict(ann_file="annotations/panoptic_nas_train.json")  # what supernets train on
recalibration = dict(dataset=dict(train, **nas_train))
