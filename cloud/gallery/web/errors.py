"""What an endpoint's exception means to the page: a status, and a sentence to show."""

from collections.abc import Callable

from botocore.exceptions import ClientError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from common.web.spoken import SpokenJSONResponse
from gallery.catalog.day_walker import TooManyBranchesError
from gallery.context import GalleryContext
from gallery.pictures.shrinking import NoImageError
from gallery.web.query import find_entry
from storage.answers.answer import http_status
from storage.errors import S3_ERRORS, classify
from storage.presign import PresignError

NOT_FOUND = 404
BAD_REQUESTS = (PresignError, TooManyBranchesError, ValueError)

Handler = Callable[[Request, Exception], Response]


def exception_handlers(context: GalleryContext) -> dict[type[Exception], Handler]:
    """For Starlette, by the class of the exception."""

    def s3_error(request: Request, error: Exception) -> Response:
        """A capture that turns out to be gone is taken off the list as well."""
        if not is_gone(error):
            return problem(classify(error, context.reader.bucket_name).message, 502)
        entry = find_entry(context.catalog, request.query_params.get("key", ""))
        if entry is not None:
            context.catalog.mark_missing(entry.key)
        return no_image(request, error)

    return {NoImageError: no_image} | dict.fromkeys(BAD_REQUESTS, bad_request) | dict.fromkeys(S3_ERRORS, s3_error)


def no_image(_: Request, __: Exception) -> Response:
    return PlainTextResponse("There is no such image.\n", NOT_FOUND)


def bad_request(_: Request, error: Exception) -> Response:
    return problem(str(error), 400)


def problem(message: str, code: int) -> Response:
    return SpokenJSONResponse({"problem": message}, "gallery", code)


def is_gone(error: Exception) -> bool:
    """Whether an object is missing, rather than the bucket."""
    if not isinstance(error, ClientError):
        return False
    return http_status(error) == NOT_FOUND and error.operation_name != "ListObjectsV2"
