# Any data set at the sizes of COCO's runs: 16 pictures a pass on 8 GPUs.
_base_ = "./custom_panoptic.py"

image_scale = (1333, 800)
train_dataloader = dict(batch_size=2, num_workers=4)
