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


def violations(tab: Tab) -> list[str]:
    """Look at the page as it is now; skips the test where axe-core cannot be had."""
    try:
        script = (resources.files(PACKAGE) / "axe.min.js").read_text(encoding="utf-8")
    except ModuleNotFoundError:
        pytest.skip(f"axe-core is not there: {PACKAGE} of tests/requirements.txt is not installed")
    if not tab.evaluate("'axe' in window"):
        tab.evaluate(script)
    found: list[dict[str, Any]] = tab.evaluate("axe.run({resultTypes: ['violations']}).then((all) => all.violations)")
    return [f"{each['id']}: {each['help']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def small_targets(tab: Tab) -> list[str]:
    """What is smaller than 44 pixels and would have to be hit by a finger."""
    found: list[str] = tab.evaluate(SMALL)
    return found


def in_every_look(tab: Tab) -> dict[str, list[str]]:
    """Violations in light and dark, and what a finger would miss on a phone; only looks that have some."""
    found: dict[str, list[str]] = {}
    size = tab.viewport_size or {"width": 1280, "height": 720}
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        found[scheme] = violations(tab)
    tab.set_viewport_size({"width": 390, "height": 844})
    found["phone"] = violations(tab) + small_targets(tab)
    tab.set_viewport_size(size)
    tab.emulate_media(color_scheme="light")
    return {look: json.loads(json.dumps(each)) for look, each in found.items() if each}
