import pytest

from batchmark.measuring.privacy import scrubbed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--xla_dump_to=/home/ada/dump --xla_gpu_x=1", "--xla_dump_to=(path) --xla_gpu_x=1"),
        ("cannot read '/srv/data/a b.npz'", "cannot read '(path) b.npz'"),
        ("GPU-5f3a1c2d-0000-1111-2222-333344445555,1", "GPU-(id),1"),
        ("MIG-5f3a1c2d-0000-1111-2222-333344445555", "MIG-(id)"),
        ("shape[20,6] on /job:localhost/replica:0/device:GPU:0", None),
        ("batch size 1000 exceeds 900 training images, 3/4 of it", None),
    ],
)
def test_paths_and_serial_numbers_go_and_the_rest_stays(text, expected):
    assert scrubbed(text) == (expected or text)
