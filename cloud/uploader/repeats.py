"""What has just been said need not be said again."""

from time import monotonic

SILENCE_SECONDS = 60.0


class Repeats:
    """Counts what is not worth a second line in the log."""

    def __init__(self) -> None:
        self._sentence: str | None = None
        self._said_at = 0.0
        self.unsaid = 0

    def is_news(self, sentence: str) -> bool:
        """Tell whether to say it; if not, count it."""
        now = monotonic()
        if sentence == self._sentence and now - self._said_at < SILENCE_SECONDS:
            self.unsaid += 1
            return False
        self._sentence, self._said_at = sentence, now
        self.unsaid = 0
        return True
