# COCO 2017 for detectors: boxes (and masks) of instances; docs/data.md shows the folders.
data_root = "data/coco/"
image_scale = (1333, 800)  # of every Resize below, longer side first; shapes keep their ratio

train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="Resize", scale=image_scale, keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=image_scale, keep_ratio=True),
    dict(
        type="PackDetInputs",
        meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
    ),
]
train = dict(
    type="CocoDataset",
    data_root=data_root,
    ann_file="annotations/instances_train2017.json",
    data_prefix=dict(img="train2017/"),
    filter_cfg=dict(filter_empty_gt=True, min_size=32),
    pipeline=train_pipeline,
)
val = dict(
    type="CocoDataset",
    data_root=data_root,
    ann_file="annotations/instances_val2017.json",
    data_prefix=dict(img="val2017/"),
    test_mode=True,
    pipeline=test_pipeline,
)

train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    batch_sampler=dict(type="InfiniteGroupBatchSampler"),  # of one orientation: less padding
    dataset=train,
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=val,
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type="CocoMetric", ann_file=data_root + "annotations/instances_val2017.json", metric="bbox"
)
test_evaluator = val_evaluator

# BN recalibration: 500 pictures of those that supernets train on.
nas_train = dict(ann_file="annotations/instances_nas_train2017.json")
recalibration = dict(
    num_images=500,
    batch_size=16,
    dataset=dict(val, ann_file=nas_train["ann_file"], data_prefix=train["data_prefix"]),
)
