"""What has just been said need not be said again."""

from time import monotonic

SILENCE_SECONDS = 60.0
REMEMBERED = 50


class Repeats:
    """Knows which sentences stood in the log lately, also when several alternate."""

    def __init__(self) -> None:
        self._said_at: dict[str, float] = {}

    def is_news(self, sentence: str) -> bool:
        """Tell whether to say it."""
        now = monotonic()
        if now - self._said_at.get(sentence, -SILENCE_SECONDS) < SILENCE_SECONDS:
            return False
        if len(self._said_at) >= REMEMBERED:
            self._said_at.clear()
        self._said_at[sentence] = now
        return True
