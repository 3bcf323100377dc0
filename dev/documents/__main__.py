"""`python -m dev.documents`: writes what is made from the code. With `--pictures`, the pictures too, or those named."""

import sys

from dev.documents.env_example import ROOT
from dev.documents.pages import PAGES


def main() -> None:
    for name, make in PAGES.items():
        file = ROOT / name
        text = make()
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    if sys.argv[1:2] == ["--pictures"]:
        from dev.documents import pictures  # noqa: PLC0415 (needs a browser's driver, which the pages do not)

        for picture in pictures.take(sys.argv[2:]):
            print(f"wrote {picture.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
