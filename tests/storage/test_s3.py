"""Data, results and report in a bucket of an S3 server on this machine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.workflow.checkout import Checkout

SMALL = Path(__file__).with_name("small.yaml")
BUCKET = "bucket"


@dataclass(frozen=True)
class Clone(Checkout):
    """A checkout whose files lie in a bucket."""

    endpoint: str

    def command(self, config: Path = SMALL) -> list[str]:
        """How Snakemake is started here: with the S3 profile."""
        prefix = f"s3://{BUCKET}/run"
        storage = ["--profile", "profiles/s3", "--default-storage-prefix", prefix]
        return [*super().command(SMALL), *storage]

    def environment(self) -> dict[str, str]:
        """The server's address and keys."""
        settings = {"ENDPOINT_URL": self.endpoint, "ACCESS_KEY": "a", "SECRET_KEY": "b"}
        storage = {f"SNAKEMAKE_STORAGE_S3_{name}": value for name, value in settings.items()}
        return {**super().environment(), **storage, "SNAKEMAKE_STORAGE_S3_REGION": "us-east-1"}


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The address of a running S3 server."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(endpoint: str) -> Any:
    """An empty bucket on it."""
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    server: Any = boto3.resource("s3", endpoint_url=endpoint, **keys)
    made = server.Bucket(BUCKET)
    made.create()
    return made


def test_everything_goes_through_the_bucket(
    bucket: Any, endpoint: str, fresh: Callable[[], Checkout]
) -> None:
    first = Clone(fresh().folder, endpoint)
    result = first.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    stored = {item.key.removeprefix("run/") for item in bucket.objects.all()}
    assert {"data/mnist.json", "results/tables/summary.csv", "reports/index.html"} <= stored
    assert not (first.folder / "results").exists()
    # A clone that has never run knows the same.
    assert Clone(fresh().folder, endpoint).planned() == set()
