"""`python -m dev.documents`: writes what is made from the code."""

from dev.documents.env_example import ROOT
from dev.documents.pages import PAGES


def main() -> None:
    for name, make in PAGES.items():
        file = ROOT / name
        text = make()
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
