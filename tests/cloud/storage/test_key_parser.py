"""Keys are parsed in time that grows with their length, whatever the template, and only if S3 can have them."""

import itertools
import os
import random
from datetime import UTC, datetime

import pytest

from storage.keys.parser import KeyParser
from storage.keys.template import DEFAULT_TEMPLATE, object_key, validate_template
from tests.support.images import pictures
from uploader.ingest.parser import parse_capture

FUZZ = int(os.environ.get("FUZZ") or 300)
CAPTURE = parse_capture(pictures.message(pictures.png(1)), 1_000_000)
FIELDS = ("{edge}", "{camera}", "{id}", "{captured_at}", "{captured_at:%Y-%m-%d}", "{captured_at:%B%A%p%j}")
DIRECTIVES = "aAbBcdGHIjmMpSuUVwWxXyYzZfeDFhlnRsTtkr%"
TEMPLATES = [
    DEFAULT_TEMPLATE,
    *(separator.join(fields) for separator in ("-", "") for fields in itertools.permutations(FIELDS, 3)),
    "{captured_at:" + "%B%A%p%c" * 20 + "}",
    "{captured_at:" + "%s-" * 60 + "}",
    "{captured_at}" * 20,
    "{edge}-{camera}-" * 6 + "{id}.png",
    *(f"{{edge}}-{{camera}}{{captured_at:{f'%{directive}-' * 20}}}{{id}}" for directive in DIRECTIVES),
]
HOSTILE = ["a/" * 512, "-" * 1024, "a-" * 512, "a" * 1024, "aa-aa/" * 170, CAPTURE.id * 36, "-2026" * 200, "AMPM" * 256]


@pytest.mark.timeout(120)
def test_no_template_and_key_take_longer_than_their_length() -> None:
    """A pattern with nested choices would take years for some of these."""
    for template in TEMPLATES:
        parser = KeyParser(template)
        for key in HOSTILE:
            parser.parse(key)
            parser.parse(f"{key[:1000]}!")


@pytest.mark.timeout(120 + FUZZ)
def test_no_random_key_breaks_a_parser() -> None:
    """FUZZ=10000 tries more of them."""
    chance = random.Random(1)
    genuine = {template: object_key(template, CAPTURE) for template in TEMPLATES}
    for template in chance.choices(TEMPLATES, k=FUZZ):
        key = list(genuine[template])
        for _ in range(chance.randrange(1, 5)):
            key[chance.randrange(len(key)) :] = chance.choices("a/-0.%\ud800\u0660", k=chance.randrange(1, 900))
        KeyParser(template).parse("".join(key))


@pytest.mark.parametrize("directive", sorted(set(DIRECTIVES)))
def test_what_a_directive_writes_is_read_back(directive: str) -> None:
    parser = KeyParser(f"{{edge}}/x{{captured_at:%{directive}}}x-{{id}}.png")

    for month, hour in ((1, 0), (5, 9), (9, 12), (12, 23)):
        name = datetime(2031, month, 28, hour, 7, 5, 123_000, tzinfo=UTC).strftime(f"%{directive}")
        found = parser.parse(f"porch/x{name}x-{CAPTURE.id}.png")
        assert found is not None
        assert (found.edge, found.captured_at) == ("porch", CAPTURE.captured_at)


def test_a_key_that_the_template_made_is_read_back() -> None:
    for template in TEMPLATES:
        assert KeyParser(template).parse(object_key(template, CAPTURE)) is not None, template


@pytest.mark.parametrize("long", ["e" * 1100, "é" * 513, "e/" * 30_000])
def test_what_is_longer_than_s3_allows_is_no_key(long: str) -> None:
    template = validate_template("{captured_at:%Y}/{id}.png")

    assert KeyParser(template).parse(long) is None
    assert KeyParser("{captured_at:%Y}" + "é" * 513).parse("2026" + "é" * 513) is None
