"""What the system says of an error, in words: "Connection refused", and not "[Errno 111] Connection refused"."""

import os
import re
import ssl

# What OpenSSL puts around its words: "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)".
CODES = re.compile(r"\[(Errno -?\d+|[A-Z]+: [A-Z0-9_]+)\] | \(_ssl\.c:\d+\)")


def plain_reason(error: BaseException) -> str:
    """The reason alone, without number, class or the names of files, for a message that people read."""
    inner = getattr(error, "reason", None)
    if isinstance(inner, OSError) and not isinstance(error, ssl.SSLError):  # urllib's URLError
        return plain_reason(inner)
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]}"
    if isinstance(error, OSError) and error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)  # `strerror` may have more: create_server adds words of its own
    if isinstance(error, TimeoutError):
        return "it took too long"
    said = without_codes(getattr(error, "strerror", None) or str(error))  # a host's name that is not found; TLS
    return said or "an unknown error"


def without_codes(text: str) -> str:
    """A library's words without the system's and OpenSSL's codes."""
    return CODES.sub("", text)
