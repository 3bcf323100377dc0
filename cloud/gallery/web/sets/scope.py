"""What may be done to captures alone, however wide S3_KEY_TEMPLATE is: other objects of the bucket are none of ours."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from gallery.pictures.shrinking import NoImageError
from gallery.web.errors import is_gone
from storage.reader import ObjectReader

MAX_WORKERS = 8  # requests at once


def refuse_others(reader: ObjectReader, keys: Sequence[str], *, may_be_gone: bool = False) -> None:
    """Raises NoImageError if an uploader did not write one of them."""

    def is_ours(key: str) -> bool:
        try:
            return reader.is_capture(key)
        except ClientError as error:
            if may_be_gone and is_gone(error):
                return True
            raise

    with ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="scope") as pool:
        for key, may_pass in zip(keys, pool.map(is_ours, keys), strict=True):
            if not may_pass:
                raise NoImageError(key)
