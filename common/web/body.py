"""Reads the body of a request without trusting its length."""

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The body, cut off after `max_bytes`; raises HTTPException if the client leaves before its end."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                break
    except ClientDisconnect as error:
        raise HTTPException(400, "The request ended early.") from error
    return body[:max_bytes]
