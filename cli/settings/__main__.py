"""The commands that ./usbcam runs: check, config, init and set."""

import signal
import sys
from pathlib import Path
from typing import Sequence

from cli.settings import check, effective, questions, spoken
from cli.settings.dotenv.env_file import EnvFileError, read

FILE = Path(".env")
WRONG_INPUT = 2
INTERRUPTED = 130
MAX_SHOWN = 12


def main(arguments: Sequence[str]) -> int:
    """Run one command; what is wrong is printed a sentence a line."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a terminal that hides what is typed is set right again
    command, *words = arguments
    try:
        if command == "init":
            questions.init(FILE, words[0], words[1:])
        elif command == "set":
            questions.put(FILE, words[0])
        elif command == "config":
            print("\n".join(effective.lines(read(FILE), words)))
        else:
            return _complain(*map(str, check.problems(read(FILE), words)))
    except (EnvFileError, questions.InitError) as error:
        return _complain(*map(str, error.args))
    except KeyboardInterrupt:  # ./usbcam says so
        return INTERRUPTED
    return 0


def _complain(*problems: str) -> int:
    for problem in problems[:MAX_SHOWN]:
        print(f"usbcam: {spoken.sentence(problem)}", file=sys.stderr)
    if len(problems) > MAX_SHOWN:
        more = len(problems) - MAX_SHOWN
        print(f"usbcam: {spoken.sentence(f'and {more} more; see whether .env is the right file')}", file=sys.stderr)
    return WRONG_INPUT if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
