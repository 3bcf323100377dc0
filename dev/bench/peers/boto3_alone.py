"""Put files in S3 by boto3 alone, no MQTT: what the uploader could reach with it. `FOLDER THREADS`."""

import itertools
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config

FOLDER, THREADS = Path(sys.argv[1]), int(sys.argv[2])
config = Config(s3={"addressing_style": "path"}, max_pool_connections=THREADS)
s3 = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT_URL"], config=config)
images = [file.read_bytes() for file in sorted(FOLDER.iterdir())]
numbers = itertools.count()


def put(_: int) -> None:
    while True:
        number = next(numbers)
        s3.put_object(
            Bucket=os.environ["S3_BUCKET"],
            Key=f"faces/{number}.png",
            Body=images[number % len(images)],
            ContentType="image/png",
            IfNoneMatch="*",
        )


with ThreadPoolExecutor(THREADS) as pool:
    list(pool.map(put, range(THREADS)))
