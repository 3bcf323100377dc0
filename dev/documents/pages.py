"""Every document that is made from the code, by its name."""

from collections.abc import Callable
from functools import partial

from dev.documents import commands_page, metrics_page, notices, settings_pages, texts
from dev.scripts import settings_table


def translations() -> dict[str, Callable[[], str]]:
    """The sentences of the programs in each language that has a file."""
    return {
        str(texts.file_of(program, language).relative_to(texts.ROOT)): partial(texts.page, program, language)
        for program in texts.ROOMS
        for language in texts.languages(program)
    }


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/settings-edge.md": partial(settings_pages.page, "edge"),
    "docs/reference/settings-cloud.md": partial(settings_pages.page, "cloud"),
    "docs/reference/commands.md": commands_page.page,
    "docs/reference/metrics.md": metrics_page.page,
    "THIRD-PARTY.md": notices.page,
    "cli/settings/table.json": settings_table.table,
    **{str(texts.file_of(program).relative_to(texts.ROOT)): partial(texts.page, program) for program in texts.ROOMS},
    **translations(),
}
