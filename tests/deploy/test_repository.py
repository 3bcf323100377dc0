"""The files of the repository: locked with hashes, tied to no machine, and the documents' commands are there."""

import ast
import os
import re
from pathlib import Path

import pytest

from dev.bench import __main__ as bench
from dev.bench.rig import stores
from tests.deploy.shipped import documents, repository_files
from tests.support.paths import ROOT

LOCKS = [f"{part}/requirements.txt" for part in ("edge", "cloud", "dev/store", "tests", "dev/bench", "dev/scripts")]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_has_one_version_and_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert requirements
    for requirement in requirements:
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", requirement), requirement[:80]


def test_all_locks_agree_so_that_one_environment_holds_them() -> None:
    pinned: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in re.findall(
            r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE
        ):
            pinned.setdefault(name, set()).add(version)

    assert {name: versions for name, versions in pinned.items() if len(versions) > 1} == {}


@pytest.mark.parametrize("half", ["edge", "cloud"])
def test_what_a_half_asks_for_is_locked(half: str) -> None:
    asked = re.findall(
        r'^ +"([a-z0-9-]+)[<>=]', (ROOT / half / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    locked = re.findall(
        r"^([a-z0-9-]+)==", (ROOT / half / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert asked
    assert set(asked) <= set(locked)


def test_no_file_names_a_package_index_or_a_path_of_one_machine() -> None:
    tied = re.compile(r"index-url|find-links|trusted-host|pythonhosted|pypi\.org|/opt/pypi|/opt/wheels|/work/|/home/")
    named = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in repository_files()
        for match in tied.finditer(_text(path))
        if path != Path(__file__) and not _is_a_flag(match, path)
    }

    assert named == set()


def test_commands_can_be_run() -> None:
    scripts = [f"dev/scripts/{name}" for name in ("check", "lock", "find-python")]
    for name in ("demo", "test", "dev/bench/run", ".ci/run", *scripts):
        assert os.access(ROOT / name, os.X_OK), name


@pytest.mark.parametrize(
    ("script", "document"), [("demo", "README.md"), ("test", "CONTRIBUTING.md"), (".ci/run", "CONTRIBUTING.md")]
)
def test_the_documents_know_the_commands(script: str, document: str) -> None:
    assert re.search(rf"(\./)?{re.escape(script)}\b", _text(ROOT / document))


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_the_documents_name_are_there(document: Path) -> None:
    text = _text(document)
    named = re.findall(r"-f (docker-compose\.\S+\.yml)|(?:^|\s)(\./[a-z]+)\b", text, re.MULTILINE)
    modules = re.findall(r"python -m ([a-z]+)", text)

    assert all((ROOT / (file or command)).exists() for file, command in named)
    assert set(modules) <= {"camera", "enroll", "gallery", "uploader", "venv", "pip", "dev", "tests"}


def _is_a_flag(match: re.Match[str], path: Path) -> bool:
    """Return whether this is an option that keeps uv from naming one."""
    return path.name == "lock" and match[0] == "index-url"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="ignore")


@pytest.mark.parametrize("name", bench.NAMES)
def test_each_bench_is_found_by_its_name(name: str) -> None:
    assert callable(bench.find(name))


def test_the_store_that_answers_late_is_where_the_benches_start_it(tmp_path: Path) -> None:
    store = stores.with_latency(tmp_path)
    store.process.kill()


def test_no_expression_is_possessive() -> None:
    """Some match wrongly before Python 3.11.5, and Debian 12 has 3.11.2."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in repository_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {"cli", "cloud", "common", "edge"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and is_possessive(node.value)
    ]

    assert found == []


def is_possessive(text: str | bytes) -> bool:
    """Whether it may be an expression with a repeat that gives nothing back: `*+`, `++`, `?+` or `{2}+`."""
    plain = text.decode("latin-1") if isinstance(text, bytes) else text
    outside = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]", "x", plain, flags=re.DOTALL)  # of escapes and of sets
    return re.search(r"(?:[*+?]|\{\d+(?:,\d*)?\})\+|\(\?>", outside) is not None


@pytest.mark.parametrize(
    ("text", "wanted"), [("(?:a)*+", True), (rb"\d++", True), ("a{2}+", True), ("[+*]+", False), (r"a\++", False)]
)
def test_a_possessive_expression_would_be_found(text: str | bytes, wanted: bool) -> None:  # noqa: FBT001
    assert is_possessive(text) is wanted
