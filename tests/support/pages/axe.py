"""What axe-core finds in a page that keeps people out of it."""

import json
from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Page as Tab

PACKAGE = "axe_playwright_python"  # of tests/requirements.in; it carries axe.min.js
SMALL = """() => [...document.querySelectorAll("button, a, select, input, summary")]
  .filter((each) => each.checkVisibility() && !each.closest("p, .visually-hidden") && each.type !== "hidden")
  .map((each) => [each.id || each.textContent.trim() || each.outerHTML, each.getBoundingClientRect()])
  .filter(([, box]) => box.width && (Math.round(box.width) < 44 || Math.round(box.height) < 44))
  .map(([name, box]) => `${name}: ${Math.round(box.width)} x ${Math.round(box.height)}`)"""


def violations(tab: Tab, rule: str = "") -> list[str]:
    """Look at the page as it is now, by all rules or one; skips the test where axe-core cannot be had."""
    try:
        script = (resources.files(PACKAGE) / "axe.min.js").read_text(encoding="utf-8")
    except ModuleNotFoundError:
        pytest.skip(f"axe-core is not there: {PACKAGE} of tests/requirements.txt is not installed")
    if not tab.evaluate("'axe' in window"):
        tab.evaluate(script)
    options = {"resultTypes": ["violations"], "runOnly": [rule]} if rule else {"resultTypes": ["violations"]}
    found: list[dict[str, Any]] = tab.evaluate("options => axe.run(options).then((all) => all.violations)", options)
    return [f"{each['id']}: {each['help']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def small_targets(tab: Tab) -> list[str]:
    """What is smaller than 44 pixels and would have to be hit by a finger."""
    found: list[str] = tab.evaluate(SMALL)
    return found


def in_every_look(tab: Tab) -> dict[str, list[str]]:
    """Violations in light and dark, and what a finger would miss on a phone; only looks that have some."""
    found: dict[str, list[str]] = {}
    size = tab.viewport_size or {"width": 1280, "height": 720}
    tab.emulate_media(color_scheme="light", reduced_motion="reduce")
    found["light"] = violations(tab)
    tab.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found["dark"] = violations(tab, rule="color-contrast")  # all that the other rules look at is the same
    tab.set_viewport_size({"width": 390, "height": 844})
    found["phone"] = violations(tab) + small_targets(tab)
    tab.set_viewport_size(size)
    tab.emulate_media(color_scheme="light")
    return {look: json.loads(json.dumps(each)) for look, each in found.items() if each}
