"""Every sentence that a program may show to somebody, as a template of gettext: a translation is a file next to it."""

import ast
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

from common.translation import parse_po

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "camera": ("edge/camera", "common"),
    "uploader": ("cloud/uploader", "cloud/storage", "common"),
    "gallery": ("cloud/gallery", "cloud/storage", "common"),
    "enroll": ("cloud/enroll", "common"),
    "cli": ("cli", "cli/settings/table.json"),
}
# What stays English: metrics, the words of Home Assistant, the log, and why a message was rejected, which is data.
SILENT_FILES = re.compile(
    r"metrics|homeassistant|latency\.py|common/paho/|translation\.py|uploader/ingest/|uploader/worker\.py|inbox\.py"
    r"|common/contract/(?!times)|storage/(structure|pictures)/"
)
LOGS = {"debug", "info", "warning", "error", "exception", "critical"}
# Calls whose texts nobody reads: patterns and comparisons.
SILENT_CALLS = {"compile", "fullmatch", "match", "search", "split", "removeprefix", "startswith", "cast", "example"}
WORDS = re.compile(r"[A-Za-z]{2,}\W* \W*[A-Za-z]{2,}|[a-z]{3,} [^A-Za-z]*$|^[^A-Za-z]* [a-z]{3,}")
# Markup, headers, formats of logs, what is compared with others' words, keys, and commands to type.
NO_TEXT = re.compile(
    r"[<>]|\w=\"|\"\w+\": |charset|max-age|default-src|%[(s]|: keep-alive|^\w+ \| None$|status code|font:|\\[dw]"
    r"|^(Not authorized|Session taken over|No matching subscribers|Caught exception in|Input should|Field required)$"
    r"|^(Basic $|camera \{|blind \{|backlog \{|certificate \{|edge \{|usbcam|acknowledged by the broker$)"
    r"|^\./usbcam [\w -]*(\{\w+\}|FILE)?( && \./usbcam up)?$|deploy/|\.venv/bin|time of the contract"
    r"|^(is not closed| goes on )$|kubectl |^\{(python|kubectl|in_\w+)\} |^export const|^sh mosquitto"
)
WORD = re.compile(r"[A-Za-z_]\w*")
NOISE = {"join", "max", "min", "round", "len", "str", "or", "if", "else", "not", "f", "getattr", "self", "escape"}
NOISE |= {"sorted", "for", "in", "is"}
HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'


def file_of(program: str, language: str = "") -> Path:
    """The sentences of a program, or their translation."""
    return ROOT / ROOMS[program][0] / "texts" / (f"{language}.po" if language else f"{program}.pot")


def languages(program: str) -> list[str]:
    """The languages into which somebody translated it: there is a file for each."""
    return sorted(file.stem for file in file_of(program).parent.glob("*.po"))


def page(program: str, language: str = "") -> str:
    """The file as it should be: a translation keeps what is translated, and gets an empty line for what is new."""
    file = file_of(program, language)
    known = parse_po(file.read_text(encoding="utf-8")) if language and file.exists() else {}
    parts = [f"# What {program} says{' in ' + language if language else ''}. Written by: make docs\n{HEADER}"]
    for text, files in sorted(sentences(program).items(), key=lambda entry: (sorted(entry[1]), entry[0])):
        where = "".join(f"#: {name}\n" for name in sorted(files))
        parts.append(f"{where}msgid {_quoted(text)}\nmsgstr {_quoted(known.get(text, ''))}\n")
    return "\n".join(parts)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def sentences(program: str) -> dict[str, set[str]]:
    """Each sentence with {fields}, and the files that say it."""
    found: dict[str, set[str]] = {}
    for room in ROOMS[program]:
        if room.endswith(".json"):
            rows = json.loads((ROOT / room).read_text(encoding="utf-8")).values()
            found.update({row["description"]: {room} for row in rows if "description" in row})
        for file in sorted((ROOT / room).rglob("*.py")):
            name = file.relative_to(ROOT).as_posix()
            if not SILENT_FILES.search(name):
                for text in texts_of(file.read_text(encoding="utf-8")):
                    found.setdefault(text, set()).add(name)
    return found


@functools.cache  # programs share modules, and each of their files is made from all
def texts_of(source: str) -> tuple[str, ...]:
    """The texts of a module that somebody may read, but for those of its log."""
    return tuple(_visit(ast.parse(source)))


def _visit(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant | ast.JoinedStr):
        yield from _said(node)
    elif isinstance(node, ast.Call):
        yield from _in_call(node)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
        yield from _in_body(node)
    elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):  # a docstring of a field
        for child in ast.iter_child_nodes(node):
            yield from _visit(child)


def _said(node: ast.Constant | ast.JoinedStr) -> Iterator[str]:
    text = _template(node)
    if WORDS.search(re.sub(r"\{\w*\}", "_", text)) and not NO_TEXT.search(text):
        yield text
    for part in getattr(node, "values", ()):
        if isinstance(part, ast.FormattedValue):
            yield from _visit(part.value)


def _in_call(node: ast.Call) -> Iterator[str]:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
    if name in SILENT_CALLS:
        return
    if name == "word":  # however short it is
        yield from (_template(each) for each in node.args if isinstance(each, ast.Constant))
        return
    is_log = isinstance(function, ast.Attribute) and name in LOGS and "log" in ast.unparse(function.value).lower()
    for child in (function, *node.args[is_log:], *node.keywords):
        yield from _visit(child)


def _in_body(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) -> Iterator[str]:
    said = ast.get_docstring(node)
    decorators = getattr(node, "decorator_list", [])
    if said and any(re.search(r"\.(command|group)\(", ast.unparse(each)) for each in decorators):
        yield said
    for child in (*decorators, *node.body[said is not None :]):
        yield from _visit(child)


def _template(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    said = ""
    names: list[str] = []
    for number, part in enumerate(node.values):
        if isinstance(part, ast.Constant):
            said += str(part.value).replace("{", "{{").replace("}", "}}")
        elif isinstance(part, ast.FormattedValue) and not (number and isinstance(node.values[number - 1], type(part))):
            names.append(_field(part.value, names))
            said += f"{{{names[-1]}}}"
    return said


def _field(value: ast.expr, taken: list[str]) -> str:
    words = [word.lower().strip("_") for word in WORD.findall(ast.unparse(value)) if word not in NOISE]
    name = next((word for word in reversed(words) if word), "value")
    return name if name not in taken else f"{name}_{len(taken) + 1}"
