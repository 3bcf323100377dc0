"""Reads the body of a request without trusting its length."""

from starlette.requests import Request


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The body, cut off after `max_bytes`."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            break
    return body[:max_bytes]
