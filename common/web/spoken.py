"""Sentences of the server for whoever reads the page: in a language of the browser."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from common.translation import for_browser

SENTENCES = ("message", "problem")


class SpokenJSONResponse(JSONResponse):
    """JSON of a program, in which the texts of these names are sentences for people."""

    def __init__(self, content: Any, package: str, status_code: int = 200, names: Collection[str] = SENTENCES) -> None:
        self._content, self._package, self._names = content, package, names
        super().__init__(content, status_code)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accepted = Headers(scope=scope).get("accept-language")
        if accepted:
            self.body = self.render(self._spoken(self._content, accepted))
            self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)

    def _spoken(self, part: Any, accepted: str, name: str = "") -> Any:
        if isinstance(part, dict):
            return {key: self._spoken(value, accepted, key) for key, value in part.items()}
        if isinstance(part, list):
            return [self._spoken(each, accepted, name) for each in part]
        is_sentence = isinstance(part, str) and name in self._names
        return for_browser(part, self._package, accepted) if is_sentence else part


def refuse(package: str) -> Callable[[Request, Any], Awaitable[Response]]:
    """Answers an HTTPException of a program in a language of the browser."""

    async def answer(request: Request, error: Any) -> Response:
        said = for_browser(error.detail, package, request.headers.get("accept-language", ""))
        return PlainTextResponse(said, error.status_code, headers=error.headers)

    return answer
