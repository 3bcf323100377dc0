"""How each state of the gallery is reached in a browser."""

from typing import Any

from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from dev.documents.shown.answers import HOUR, Reach, ago, answered

TILES = "#days .tile:visible"  # those of poor pictures are folded
GOOD = "#days li:not(.poor) .tile"


def _visits(tab: Tab, address: str, query: str = "") -> None:
    tab.goto(f"{address}/{query}")
    expect(tab.locator(GOOD).first).to_be_visible()
    expect(tab.locator("#cameras")).to_be_visible()
    expect(tab.locator("#day-strip .some").nth(9)).to_be_attached()


def _all_pictures(tab: Tab, address: str) -> None:
    _visits(tab, address, "?view=all")


def _day(tab: Tab, address: str) -> None:
    _visits(tab, address)
    tab.locator("#day-strip button").nth(1).click()
    expect(tab.locator("#hour-strip .some").first).to_be_visible()


def _month(tab: Tab, address: str) -> None:
    _visits(tab, address)
    tab.locator("#month-button").click()
    expect(tab.locator("#month-days .some").first).to_be_visible()


def _rail(tab: Tab, address: str) -> None:
    _visits(tab, address)
    rail = tab.locator("#scrubber-range")
    box = rail.bounding_box()
    if box:
        tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
        tab.mouse.down()
        expect(tab.locator("#scrubber-day")).to_be_visible()


def _poor(tab: Tab, address: str) -> None:
    _visits(tab, address)
    tab.locator("#poor").click()


def _seen(tab: Tab, address: str) -> None:
    tab.add_init_script(f"localStorage.setItem('usbcam seen until', '{ago(HOUR)}')")
    _visits(tab, address)
    expect(tab.locator(".seen-line")).to_be_visible()


def _selecting(tab: Tab, address: str) -> None:
    _visits(tab, address)
    tab.locator(TILES).nth(0).click(modifiers=["Shift"])
    tab.locator(TILES).nth(4).click(modifiers=["Shift"])


def _sharing_several(tab: Tab, address: str) -> None:
    _selecting(tab, address)
    tab.locator("#share-chosen").click()
    tab.locator("#set-sharing button[value=create]").click()
    expect(tab.locator("#set-shared")).to_be_visible()


def _undo(tab: Tab, address: str) -> None:
    _selecting(tab, address)
    # Nothing has to go, also when the tab is closed. Playwright calls a function that it is given, so it is given none.
    tab.evaluate("void (window.fetch = () => new Promise(() => {}))")
    tab.locator("#delete-chosen").click()
    expect(tab.locator("#undo-bar")).to_be_visible()


def _viewer(tab: Tab, address: str) -> None:
    _visits(tab, address)
    tab.locator(GOOD, has_text="\u00d73").first.click()
    expect(tab.locator("#shots li")).to_have_count(3)


def _starred(tab: Tab, address: str) -> None:
    _viewer(tab, address)
    star = tab.locator("#star")
    expect(star).to_be_enabled()
    if star.get_attribute("aria-pressed") == "true":  # from an earlier picture
        star.click()
        expect(star).to_have_attribute("aria-pressed", "false")
        expect(star).to_be_enabled()
    star.click()
    expect(tab.locator("#star-note")).to_be_visible()


def _sharing(tab: Tab, address: str) -> None:
    _viewer(tab, address)
    tab.locator("#share").click()
    tab.locator("#sharing button").first.click()
    expect(tab.locator("#shared")).to_be_visible()


def _deleting(tab: Tab, address: str) -> None:
    _viewer(tab, address)
    tab.locator("#delete").click()


def _facts(tab: Tab, address: str) -> None:
    _viewer(tab, address)
    tab.locator("#viewer summary").click()


def _zoomed(tab: Tab, address: str) -> None:
    _viewer(tab, address)
    tab.locator("#zoom").click()


def _keys(tab: Tab, address: str) -> None:
    _visits(tab, address)
    tab.keyboard.press("?")


def _cost(tab: Tab, address: str) -> None:
    _visits(tab, address)
    tab.locator("#cost-button").click()
    expect(tab.locator("#cost table")).to_be_visible()


def _nothing(tab: Tab, address: str) -> None:
    tab.goto(f"{address}/?day=2020-01-01")
    expect(tab.locator("#end")).not_to_be_empty()
    expect(tab.locator("#skeleton")).to_be_hidden()


def _loading(tab: Tab, address: str) -> None:
    tab.route("**/api/captures?*", lambda _: None)
    tab.goto(address)
    expect(tab.locator("#skeleton")).to_be_visible()


def _store_away(tab: Tab, address: str) -> None:
    words = "S3 is unavailable: nobody answered (S3_ENDPOINT_URL, or AWS_REGION without it)"
    tab.route("**/api/c*", lambda route: route.fulfill(status=502, json={"problem": words}))
    tab.route("**/api/today?*", lambda route: route.fulfill(status=502, json={"problem": words}))
    tab.goto(address)
    expect(tab.locator("#problem")).to_be_visible()


def _not_live(tab: Tab, address: str) -> None:
    tab.route("**/events", lambda route: route.abort())
    _visits(tab, address)
    expect(tab.locator("#live.off")).to_be_visible()


def _login(tab: Tab, address: str, query: str = "") -> None:
    tab.goto(f"{address}/login{query}")


def _wrong_login(tab: Tab, address: str) -> None:
    _login(tab, address, "?wrong")


# Edges


def _edges(tab: Tab, address: str) -> None:
    tab.goto(f"{address}/edges")
    expect(tab.locator("#edges tr").nth(3)).to_be_visible()


def _make_failing(found: Any) -> None:
    home, workshop = found["edges"][-2:]
    if len(home["cameras"]) < 2:  # noqa: PLR2004 (not heard yet; the page asks again)
        return
    home["cameras"][0] |= {"blind": "covered", "blind_since": ago(HOUR)}
    home["cameras"][1] |= {"problem": "The camera is unplugged: /dev/video0 is gone."}
    home |= {"skew_seconds": 94.0, "waiting": 612}
    workshop |= {"online": False, "last_seen_at": ago(50 * HOUR)}
    paused = {**home["cameras"][0], "name": "shed", "blind": None, "state": "paused"}
    home["cameras"].append(paused)
    home["cameras"].append({**paused, "name": "attic", "online": False, "last_seen_at": ago(3 * HOUR)})


def _edges_failing(tab: Tab, address: str) -> None:
    answered(tab, "**/api/edges", _make_failing)
    tab.goto(f"{address}/edges")
    expect(tab.locator("#edges .bad").nth(2)).to_be_visible()


def _edges_lost(tab: Tab, address: str) -> None:
    _edges(tab, address)
    tab.route("**/api/edges", lambda route: route.abort())
    expect(tab.locator("#problem")).to_be_visible()


def _edges_deaf(tab: Tab, address: str) -> None:
    answered(tab, "**/api/edges", lambda found: found.update(listening=False))
    tab.goto(f"{address}/edges")
    expect(tab.locator("#problem")).to_be_visible()


def _no_edges(tab: Tab, address: str) -> None:
    answered(tab, "**/api/edges", lambda found: found.update(edges=[]))
    tab.goto(f"{address}/edges")
    expect(tab.locator("#none")).to_be_visible()


GALLERY: dict[str, Reach] = {
    "visits": _visits,
    "all-pictures": _all_pictures,
    "day": _day,
    "month": _month,
    "rail": _rail,
    "poor": _poor,
    "seen": _seen,
    "selecting": _selecting,
    "sharing-several": _sharing_several,
    "undo": _undo,
    "viewer": _viewer,
    "starred": _starred,
    "sharing": _sharing,
    "deleting": _deleting,
    "facts": _facts,
    "zoomed": _zoomed,
    "keys": _keys,
    "cost": _cost,
    "nothing": _nothing,
    "loading": _loading,
    "store-away": _store_away,
    "not-live": _not_live,
    "login": _login,
    "wrong-login": _wrong_login,
    "edges": _edges,
    "edges-failing": _edges_failing,
    "edges-lost": _edges_lost,
    "edges-deaf": _edges_deaf,
    "no-edges": _no_edges,
}
