"""A budget that all edges draw on: however many take what they can get, some is left for the next one."""

from collections import Counter


class FairShares:
    """Each may have as much as is still free: a single one half of it all, two a third each, three a quarter each.

    Not safe for threads by itself.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._taken: Counter[str] = Counter()
        self._sum = 0

    @property
    def taken(self) -> int:
        return self._sum

    def take(self, name: str, amount: int) -> bool:
        """Take so much, if there is room for it; whoever comes first may have any amount."""
        if self._sum and self._taken[name] + amount > self._total - self._sum:
            return False
        self._taken[name] += amount
        self._sum += amount
        return True

    def give_back(self, name: str, amount: int) -> None:
        self._sum -= amount
        self._taken[name] -= amount
        if self._taken[name] <= 0:
            del self._taken[name]
