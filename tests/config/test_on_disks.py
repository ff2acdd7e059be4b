"""Data lie on this machine's disks: what does not is refused in a line, before anything is read."""

import pytest

from mmpanonas.errors import ConfigError

PETREL = {"backend": "petrel", "key": "secret"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(data_root="http://127.0.0.1:9/"), "train_dataloader.dataset has data_root 'http://"),
        ({"val_dataloader.dataset.ann_file": "s3://a/b.json"}, "val_dataloader.dataset has ann_"),
        ({"train_dataloader.dataset.data_prefix.img": "s3://a"}, "has data_prefix.img 's3://a'"),
        ({"train_dataloader.dataset.backend_args": PETREL}, "of the backend 'petrel'"),
        ({"train_dataloader.dataset.pipeline.0.backend_args": PETREL}, "of the backend 'petrel'"),
    ],
)
def test_data_elsewhere_are_refused(shapes_config, options, message):
    with pytest.raises(ConfigError, match="copy them, or mount") as error:
        shapes_config("supernet", **options)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_the_local_backend_is_taken(shapes_config):
    local = {"backend": "local"}
    shapes_config("supernet", **{"train_dataloader.dataset.pipeline.0.backend_args": local})
