import pytest

from batchmark.report.privacy import scrubbed, scrubbed_values


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('File "/home/joe/x/train.py", line 3', 'File "…/train.py", line 3'),
        ("file:///srv/mnist/", "…/"),
        (r"C:\Users\joe\digits.npz", "…/digits.npz"),
        ("~/data/mnist.npz", "…/mnist.npz"),
        ("https://example.org/mnist/", "https://example.org/mnist/"),
        ("config/config.yaml", "config/config.yaml"),
        ("3/5 trials, 1/2", "3/5 trials, 1/2"),
    ],
)
def test_folders_of_absolute_paths_go(text: str, left: str) -> None:
    assert scrubbed(text) == left


def test_reaches_into_containers() -> None:
    content = {"a": ["/x/y/z", {"b": "/x/y"}], "n": 3, "none": None}
    assert scrubbed_values(content) == {"a": ["…/z", {"b": "…/y"}], "n": 3, "none": None}
