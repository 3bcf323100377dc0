"""What is checked: the protocol in several surroundings, and without each of its rules in turn."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Property(StrEnum):
    """Names of the model's two claims."""

    SAFE = "safe"
    SETTLES = "settles"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Who takes part, and what may go wrong. The names of the switches are the model's."""

    name: str
    switches: Mapping[str, int]
    small: tuple[int, int]  # how many faults, for `safe` and for `settles`, in the tests
    whole: tuple[int, int]  # the same in `make model`


ONE = Surroundings(
    "one capture, two uploaders, power cuts, revocation",
    {"captures": 1, "two": 1, "receipts": 1, "forgetful": 1, "power": 1, "revocation": 1},
    small=(1, 0),
    whole=(3, 1),
)
TWO = Surroundings("two captures", {"captures": 2, "receipts": 1, "forgetful": 1}, small=(1, 0), whole=(2, 1))
COLLIDING = Surroundings(
    "two captures under one key", {"captures": 2, "receipts": 1, "colliding": 1}, small=(1, 0), whole=(2, 1)
)
POISON = Surroundings(
    "a capture that can never be stored", {"captures": 2, "receipts": 1, "poison": 1}, small=(1, 0), whole=(2, 1)
)
FULL = Surroundings(
    "a full spool", {"captures": 2, "receipts": 1, "forgetful": 1, "tiny": 1}, small=(1, 0), whole=(1, 1)
)
UNRECEIPTED = Surroundings("without receipts, brokers that lose nothing", {"captures": 2}, small=(2, 1), whole=(2, 1))
ALONE = Surroundings(
    "one capture", {"captures": 1, "receipts": 1, "forgetful": 1}, small=(1, 0), whole=(2, 1)
)  # no more than a rule needs
EVERYWHERE = (ONE, TWO, COLLIDING, POISON, FULL, UNRECEIPTED)


@dataclass(frozen=True, slots=True)
class Removal:
    """One rule less. What must happen then: a claim breaks, or `spared_by` says why none does."""

    rule: str  # as the model defines it
    where: Surroundings
    claim: Property
    faults: int
    spared_by: str = ""

    @property
    def breaks(self) -> bool:
        return not self.spared_by


REMOVALS = (
    Removal("CONDITION", ONE, Property.SAFE, 1),
    Removal("CONDITION", COLLIDING, Property.SAFE, 0),
    Removal("OWNER_OF_A_TAKEN_KEY", COLLIDING, Property.SAFE, 0),
    Removal("DIGEST_IN_THE_ID", TWO, Property.SAFE, 0),
    Removal("KEEP_UNTIL_RECEIPT", ONE, Property.SAFE, 0),
    Removal("RECEIPT_AFTER_STORING", ONE, Property.SAFE, 0),
    Removal("TIMEOUT", ONE, Property.SETTLES, 1),
    Removal("RESEND_UNACKNOWLEDGED", ONE, Property.SETTLES, 1),
    Removal("RECEIPT_FOR_A_DUPLICATE", ONE, Property.SETTLES, 1),
    Removal("SYNC", ONE, Property.SAFE, 1),
    Removal("NO_RECEIPT_WHILE_REVOKED", ONE, Property.SAFE, 0),
    Removal("COUNT_DROPS", FULL, Property.SAFE, 0),
    Removal("REJECT", POISON, Property.SETTLES, 0),
    Removal("RECEIPT_FOR_REJECTED", POISON, Property.SETTLES, 0),
    Removal("FREE_THE_WINDOW", FULL, Property.SETTLES, 0),
    Removal("RECEIPTS_FROM_THE_BRIDGE_ALONE", ONE, Property.SAFE, 1),
    Removal("LIST_THE_SPOOL_AT_START", ONE, Property.SETTLES, 1),
    Removal("DOUBT_IS_NO_SUCCESS", ONE, Property.SAFE, 1),
    Removal("ALTERNATIVE_KEY", COLLIDING, Property.SETTLES, 0),
    Removal("KEEP_WHAT_IS_REJECTED", POISON, Property.SAFE, 0),
    Removal("RECEIPT_NAMES_ITS_CAPTURE", TWO, Property.SAFE, 0),
    Removal("ASK_FOR_BAD_NEWS_AGAIN", ALONE, Property.SETTLES, 2),
    Removal("STORE_BEFORE_ACKNOWLEDGING", UNRECEIPTED, Property.SETTLES, 1),
    Removal("ACKNOWLEDGE_WHERE_DELIVERED", UNRECEIPTED, Property.SETTLES, 2),
    Removal("KEEP_THE_SESSION", UNRECEIPTED, Property.SETTLES, 1),
    Removal("RETRY_THE_STORE", UNRECEIPTED, Property.SETTLES, 1),
    Removal("STORE_BEFORE_ACKNOWLEDGING", ONE, Property.SETTLES, 1, "what has no receipt is published again"),
    Removal("ACKNOWLEDGE_WHERE_DELIVERED", ONE, Property.SETTLES, 1, "what has no receipt is published again"),
    Removal("KEEP_THE_SESSION", ONE, Property.SETTLES, 1, "what has no receipt is published again"),
    Removal("RETRY_THE_STORE", ONE, Property.SETTLES, 1, "what has no receipt is published again"),
    Removal("REQUEUE_ON_RECONNECT", ONE, Property.SETTLES, 1, "the timeout does the same, later"),
    Removal("WINDOW", TWO, Property.SAFE, 1, "it bounds the brokers' memory, and nothing else"),
)
