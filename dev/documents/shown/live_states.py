"""How each state of the live page is reached in a browser."""

from typing import Any

from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from dev.documents.shown.answers import HOUR, Patch, Reach, ago, answered


def _healthy(state: Any) -> None:
    """As if all that comes after the camera were there."""
    messages = ("15 frames per second.", "0 waiting, 0.0 of 20,000 MB.", "Connected to the edge broker.")
    for stage, message in zip(
        state["pipeline"], (*messages, "Connected to the cloud.", "Last receipt 2 s ago."), strict=True
    ):
        stage |= {"level": "ok", "message": message}
    state["spool"]["captures"] = 0
    for capture in state["captures"]:
        capture["state"] = "in S3"


def _live(tab: Tab, address: str, patch: Patch = lambda _: None) -> None:
    def both(state: Any) -> None:
        _healthy(state)
        patch(state)

    answered(tab, "**/state.json", both)
    tab.goto(address)
    expect(tab.locator(".camera .counts dd").first).to_be_attached()


def _seeing(tab: Tab, address: str) -> None:
    _live(tab, address)
    expect(tab.locator("svg rect.good").first).to_be_attached()


def _camera(**words: object) -> Patch:
    return lambda state: state["cameras"][0].update(words)


def _stage(place: int, level: str, message: str, more: Patch = lambda _: None) -> Patch:
    def patch(state: Any) -> None:
        state["pipeline"][place] |= {"level": level, "message": message}
        more(state)

    return patch


def _live_blind(tab: Tab, address: str) -> None:
    more = _camera(blind="covered", blind_since=ago(HOUR))
    _live(tab, address, _stage(0, "error", "door: Something covers the lens: uncover or clean it.", more))
    expect(tab.locator(".blind")).to_be_visible()


def _live_paused(tab: Tab, address: str) -> None:
    more = _camera(state="paused", pause_reason="command", paused_since=ago(HOUR))
    _live(tab, address, _stage(0, "paused", "Paused: door.", more))
    expect(tab.locator(".veil")).to_be_visible()


def _live_unplugged(tab: Tab, address: str) -> None:
    words = "The camera is unplugged: /dev/video0 is gone. Trying again."
    _live(tab, address, _stage(0, "error", words, _camera(state="reconnecting", problem=words)))
    expect(tab.locator("#banner.error")).to_be_visible()


def _live_offline(tab: Tab, address: str) -> None:
    def waits(state: Any) -> None:
        state["spool"]["captures"] = 6

    _live(tab, address, _stage(3, "error", "The cloud cannot be reached: see the log of edge-broker.", waits))
    expect(tab.locator("#banner")).to_be_visible()


def _live_several(tab: Tab, address: str) -> None:
    def patch(state: Any) -> None:
        first = state["cameras"][0]
        state["cameras"] += [{**first, "name": name} for name in ("garden", "gate")]

    _live(tab, address, patch)
    expect(tab.locator(".camera")).to_have_count(3)


def _live_lost(tab: Tab, address: str) -> None:
    _live(tab, address)
    tab.route("**/state.json", lambda route: route.abort())
    expect(tab.locator("#pipeline.lost")).to_be_attached()


def _live_masks(tab: Tab, address: str) -> None:
    _live(tab, address)
    tab.locator(".draw").first.click()
    expect(tab.locator(".drawing").first).to_be_visible()


def _live_figures(tab: Tab, address: str) -> None:
    _live(tab, address)
    for summary in tab.locator("#plumbing > summary, .figures > summary").all():
        summary.click()


def _live_viewer(tab: Tab, address: str) -> None:
    _live(tab, address)
    tab.locator("#captures button").first.click()


LIVE: dict[str, Reach] = {
    "live": _seeing,
    "live-blind": _live_blind,
    "live-paused": _live_paused,
    "live-unplugged": _live_unplugged,
    "live-offline": _live_offline,
    "live-several": _live_several,
    "live-lost": _live_lost,
    "live-masks": _live_masks,
    "live-figures": _live_figures,
    "live-viewer": _live_viewer,
}
