"""What the server says on a page comes in a language of the browser, and data stays as it is."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Message

from common.web.auth import PasswordAuth
from common.web.login import login_routes
from common.web.spoken import SpokenJSONResponse, refuse

SAID, GERMAN = "Connected to the cloud.", "Mit der Cloud verbunden."


def _refused(_: object) -> SpokenJSONResponse:
    raise HTTPException(400, SAID)


def answer(app: Starlette, path: str, accepted: str) -> bytes:
    sent: list[Message] = []
    headers = [(b"accept-language", accepted.encode())] if accepted else []
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b""}

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    with ThreadPoolExecutor(1) as thread:  # a browser's loop may run in this one
        thread.submit(lambda: asyncio.run(app(scope, receive, send))).result()
    body = b"".join(message.get("body", b"") for message in sent)
    assert (b"content-length", str(len(body)).encode()) in sent[0]["headers"]
    return body


@pytest.mark.parametrize(("accepted", "said"), [("de", GERMAN), ("en,de", SAID), ("", SAID)])
def test_sentences_are_translated_and_names_are_not(accepted: str, said: str) -> None:
    state = SpokenJSONResponse({"stages": [{"message": SAID, "name": SAID}], "problem": None}, "camera", 200)
    app = Starlette(
        routes=[Route("/", lambda _: state), Route("/refused", _refused)],
        exception_handlers={HTTPException: refuse("camera")},
    )

    assert json.loads(answer(app, "/", accepted)) == {"stages": [{"message": said, "name": SAID}], "problem": None}
    assert answer(app, "/refused", accepted).decode() == said


@pytest.mark.parametrize(
    ("accepted", "language", "said"),
    [
        (
            "de-AT",
            "de",
            "Das Passwort steht als <code>&lt;A&gt;</code> in der Datei <code>.env</code> dieses Rechners.",
        ),
        ("fr", "en", "The password is <code>&lt;A&gt;</code> in the file <code>.env</code> of this host."),
        ("", "en", "Log in"),
    ],
)
def test_the_login_page_is_in_a_language_of_the_browser(accepted: str, language: str, said: str) -> None:
    app = Starlette(routes=[*login_routes(PasswordAuth("secret", cookie="test"), "<A>", "gallery")])

    page = answer(app, "/login", accepted).decode()

    assert said in page
    assert f'<html lang="{language}">' in page
