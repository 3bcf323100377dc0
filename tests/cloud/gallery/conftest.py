"""What every test of the gallery needs: the settings that lead to its bucket and broker."""

import pytest

from tests.cloud.rig import Broker, Bucket
from tests.support.rig import Store


@pytest.fixture
def settings(store: Store, bucket: Bucket, broker: Broker) -> dict[str, str]:
    return {
        "CLOUD_BROKER_PORT": str(broker.port),
        "S3_BUCKET": bucket.name,
        "S3_ENDPOINT_URL": store.endpoint,
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
