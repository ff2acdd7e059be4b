# The embedded data set: tools/dataset_converters/shapes.py data/shapes
_base_ = "./custom_panoptic.py"

data_root = "data/shapes/"
image_scale = (128, 128)
train_dataloader = dict(batch_size=2, num_workers=1, dataset=dict(data_root=data_root))
val_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
recalibration = dict(num_images=64, batch_size=16, dataset=dict(data_root=data_root))
