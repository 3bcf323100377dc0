"""What is made from the code is current, and says the same as .env.example and the Compose files."""

import platform

import pytest

from dev.documents.env_example import example_settings
from dev.documents.pages import PAGES
from dev.documents.settings_pages import SIDES, is_required, readers_of
from tests.deploy.shipped import CLOUD, EDGE, variables_read
from tests.support.paths import ROOT

COMPOSE = {"edge": EDGE, "cloud": CLOUD}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_code_is_current(name: str) -> None:
    if name == "THIRD-PARTY.md" and platform.machine() != "x86_64":
        pytest.skip("wheels for other processors carry other libraries")
    written = (ROOT / name).read_text(encoding="utf-8")

    assert written == PAGES[name](), f"{name} is out of date; run make docs"


def test_every_setting_of_the_example_has_a_sentence_of_its_own() -> None:
    assert [setting.name for setting in example_settings() if not setting.meaning] == []


@pytest.mark.parametrize("side", SIDES)
def test_a_host_s_page_has_every_setting_that_its_classes_and_compose_file_read(side: str) -> None:
    fields = {field.upper() for settings in SIDES[side].values() for field in settings.model_fields}
    page = (ROOT / f"docs/reference/settings-{side}.md").read_text(encoding="utf-8")

    named = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert named == fields | variables_read(COMPOSE[side])
    assert named == set(readers_of(side))


@pytest.mark.parametrize("side", SIDES)
def test_what_must_be_set_is_what_compose_asks_for(side: str) -> None:
    compose = (ROOT / COMPOSE[side]).read_text(encoding="utf-8")

    must = {setting.name for setting in example_settings() if is_required(setting, side)}
    asked = {name for name in variables_read(COMPOSE[side]) if f"${{{name}:?" in compose}
    assert must - {"EDGE_TOKEN"} == asked  # without a token captures wait, so that an edge may start before
