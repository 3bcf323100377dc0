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
        if self._sum and not self.has_room(name, amount):
            return False
        self.add(name, amount)
        return True

    def has_room(self, name: str, amount: int) -> bool:
        """Whether so much more is within the name's share."""
        return self._taken[name] + amount <= self._total - self._sum

    def add(self, name: str, amount: int) -> None:
        """Take so much, whether or not there is room for it."""
        self._taken[name] += amount
        self._sum += amount

    def give_back(self, name: str, amount: int) -> None:
        self._sum -= amount
        self._taken[name] -= amount
        if self._taken[name] <= 0:
            del self._taken[name]
