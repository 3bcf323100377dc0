"""A browser's tab that tests share: a context and a renderer of its own cost each test a second of the processor."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Error, Request, ViewportSize
from playwright.sync_api import Page as Tab

PATIENCE_MILLISECONDS = 60_000
# Chromium drops what it loads when the machine's networks change, as they do with other tests' containers.
PASSING = {"net::ERR_NETWORK_CHANGED", "net::ERR_ABORTED"}
LOAD_AGAIN = """
    addEventListener("error", ({target}) => {
        const times = Number(sessionStorage.getItem("loaded again") ?? 0);
        if (!(target instanceof HTMLScriptElement) || times >= 20) return;
        sessionStorage.setItem("loaded again", times + 1);
        addEventListener("load", () => location.reload());
    }, true);
"""
SIZE = ViewportSize(width=1280, height=720)  # a new tab's


class Tabs:
    """Lends out one tab; one that cannot be made as good as new is thrown away."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._tab: Tab | None = None

    @contextmanager
    def lent(self) -> Iterator[Tab]:
        """Lend the tab; any error of a page fails the block."""
        tab = self._tab or new_tab(self._browser)
        self._tab = None
        with _without_errors(tab):
            yield tab
        self._tab = _as_new(tab)

    def close(self) -> None:
        if self._tab:
            self._tab.context.close()


@contextmanager
def own_tab(browser: Browser) -> Iterator[Tab]:
    """Open one in a context of its own until the end of the block; any error of a page fails it."""
    tab = new_tab(browser)
    with _without_errors(tab):
        yield tab
    tab.context.close()


def new_tab(browser: Browser, viewport: ViewportSize = SIZE, **options: Any) -> Tab:
    """Open a tab in a context of its own, with Playwright's options."""
    context = browser.new_context(viewport=viewport, **options)
    context.add_init_script(LOAD_AGAIN)
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE_MILLISECONDS)
    return tab


def shown(tab: Tab) -> str:
    """What somebody would read on the page now."""
    return str(tab.evaluate("`${location} is ${document.readyState}: ${document.body.innerText}`"))


@contextmanager
def _without_errors(tab: Tab) -> Iterator[None]:
    errors: list[str] = []

    def note(error: Error) -> None:
        errors.append(str(error))

    def note_failure(request: Request) -> None:
        print(f"{request.method} {request.url}: {request.failure}")  # pytest shows it when the test fails
        if request.resource_type == "script" and request.failure not in PASSING:
            errors.append(f"{request.url}: {request.failure}")

    tab.on("pageerror", note)
    tab.on("requestfailed", note_failure)
    yield
    tab.remove_listener("pageerror", note)
    tab.remove_listener("requestfailed", note_failure)
    assert not errors, errors


def _as_new(tab: Tab) -> Tab | None:
    """Leave the page, and forget what a test may have set. What a page keeps is by its port, which no other has."""
    try:
        for other in tab.context.pages:
            if other != tab:
                other.close()
        tab.goto("about:blank")
        tab.unroute_all()
        tab.context.clear_cookies()
        tab.set_viewport_size(SIZE)
        tab.emulate_media(media="null", color_scheme="null", reduced_motion="null")
        tab.mouse.move(0, 0)
    except Error:
        tab.context.close()
        return None
    return tab
