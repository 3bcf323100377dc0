"""Words that are ours alone stay out of what users read; docs/glossary.md has the field's."""

import ast
import re
from pathlib import Path

import pytest

from tests.deploy.shipped import repository_files
from tests.support.paths import ROOT

PRODUCT = ("cli", "edge", "cloud", "common", "mosquitto", "monitoring", "docs")
READ_BY_USERS = {".md", ".yml", ".html", ".js", ".sh", ".awk", ".conf", ".example", ".json"}
# Old words, and in brackets what to write instead.
OLD_WORDS = {
    r"mend(s|ed|ing)?": "fix",
    r"(is|are|all) well": "healthy",
    r"let(s|ting)? go of": "release",
    r"passed over": "skipped",
    r"for ever": "indefinitely",
    r"shut(s)? (\w+ )?(\w+ )?out": "revoke",
    r"(cloud|S3) (is|was) away": "unavailable, unreachable",
    r"album": "gallery",
    r"shortcut": "fast put",
    r"a name of (its|one's|their) own": "its own client ID",
    r"looked at \d|frames looked at": "processed",
    r"says who it is": "identifies itself",
    r"(it )?(is|are) told once": "published once",
    r"the way of a (picture|capture|message)": "the path of",
    r"let(s)? (\w+ )?(an|this|the) edge in": "enroll",
    r"lock(s|ed)? (an|the|all|its) edges? out|lock out all": "revoke",
    r"(never |was |nothing )+heard of": "heard from, reported",
    r"(is|are|was|were) (begun|begin) anew": "starts over",
    r"be told|whom to tell|(is|are) told, too": "notifications",
    r"troubled": "failing",
    r"(services?|stores?|brokers?)( of \w+| that)? (is|are|was|were) away": "unavailable",
    r"what waited of": "waiting messages from",
    r"(by )?a fault of our own": "because of a bug",
    r"nobody came": "no visits",
    r"beside": "next to, alongside",
    r"somebody stays": "a visitor stays",
    r"the page asks for it": "the page requires a password",
    r"(the )?ends of certificates": "certificate expiry dates",
    r"as a stranger": "anonymously",
    r"(uploaders?|edges?|cameras?)( \w+)? (is|are|was|were) away": "unavailable, offline",
    r"enrols?": "enroll, as the command",
}
OLD = re.compile(rf"\b(?:{'|'.join(OLD_WORDS)})\b", re.IGNORECASE)


def strings(source: str) -> list[tuple[int, str]]:
    """String literals of Python code with their lines, docstrings left out: what may reach a log or a page."""
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        (node.lineno, node.value)
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def shown_to_users() -> list[tuple[Path, int, str]]:
    texts = []
    for path in repository_files():
        name = path.relative_to(ROOT)
        if path.suffix == ".py" and name.parts[0] in {"cli", "edge", "cloud", "common"}:
            texts += [(name, line, text) for line, text in strings(path.read_text(encoding="utf-8"))]
        elif (path.suffix in READ_BY_USERS or name.name in {"usbcam", "demo", "Dockerfile"}) and (
            name.parts[0] in PRODUCT or len(name.parts) == 1 or name.parts[0] == "docs"
        ):
            lines = path.read_text(encoding="utf-8").splitlines()
            texts += [(name, number, line) for number, line in enumerate(lines, 1)]
    return texts


def test_old_words_are_not_shown_to_users() -> None:
    found = [f"{name}:{line}: {match[0]}" for name, line, text in shown_to_users() for match in OLD.finditer(text)]

    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "each with its mend",
        "All is well",
        "It LETS GO OF the camera",
        "kept for ever",
        "Shut an edge out",
        "S3 is away",
        "Services of NOTIFY_URLS are away",
        "Locks an edge out at once",
        "nothing was heard of it",
        "The notifications, or: be told",
        "cameras that are troubled",
        "a file beside it",
        "it tries as a stranger",
        "While the uploader is away",
        "enrol an edge",
    ],
)
def test_an_old_word_would_be_found(text: str) -> None:
    assert OLD.search(text)
