"""Names of things: random ones that sort by time, derived ones that a replay yields again."""

import hashlib
import secrets
import time
import uuid
from datetime import datetime
from functools import lru_cache
from typing import Final

# in ASCII order, so that text sorts as the number
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 22  # 62^22 > 2^128
#: The first digit of a variant by RFC 9562, for what the digest has there.
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "usage-to-cash").bytes


def new_id(prefix: str) -> str:
    """Return a fresh id such as "inv_01J…": 22 base62 digits of a UUIDv7, so ids sort by the millisecond they
    were made in."""
    return f"{prefix}_{_base62(_uuid7())}"


def new_ids(prefix: str, count: int) -> list[str]:
    """Return `count` fresh ids that sort in the order of the list, however many are made in one
    millisecond."""
    return sorted(new_id(prefix) for _ in range(count))


def id_pattern(prefix: str) -> str:
    """The regular expression that a whole id of this prefix matches."""
    return rf"{prefix}_[0-9A-Za-z]{{{_LENGTH}}}"


def first_id(prefix: str, moment: datetime) -> str:
    """Return what sorts before every id that is made from this moment of the machine clock on, and after
    those made before it."""
    return f"{prefix}_{_base62(int(moment.timestamp() * 1000) << 80)}"


def clause_id(contract: str, section: str, key: str) -> str:
    """Return the id of a clause; it survives versions of the contract."""
    return _derived("clause", contract, section, key)


def line_id(contract: str, clause: str, period_start: datetime, kind: str) -> str:
    """Return the id of a statement line: one a clause, service period and kind."""
    at = _instant(period_start)
    return _named(f"4:line{len(contract)}:{contract}{len(clause)}:{clause}{len(at)}:{at}{len(kind)}:{kind}")


def statement_id(contract: str, period_start: datetime, occasion: str | None = None) -> str:
    """Return the id of a statement: one a contract, service period and occasion. None: that of the period itself,
    which is named by the two alone."""
    said = () if occasion is None else (occasion,)
    return _derived("statement", contract, _instant(period_start), *said)


def block_id(clause: str, begins: str) -> str:
    """Return the id of a block that a clause makes: one for each time that it begins anew."""
    return f"blk_{_derived('block', clause, begins)}"


def _derived(*parts: str) -> str:
    # The lengths keep ("a", "bc") and ("ab", "c") apart whatever the parts contain.
    return _named("".join([f"{len(part)}:{part}" for part in parts]))


def _named(name: str) -> str:
    """uuid5 as text (RFC 9562, section 5.5), without the UUID object between: a statement of five lines names
    ten things."""
    digest = hashlib.sha1(_NAMESPACE + name.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANT[digest[16]]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


@lru_cache(10_000)
def _instant(moment: datetime) -> str:
    assert moment.tzinfo is not None, "an id is derived from an instant, not from a local time"
    return str(int(moment.timestamp()))


def _uuid7() -> int:
    """RFC 9562: 48 bits of milliseconds, version 7, 12 random bits, variant, 62 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    return (
        (milliseconds & (1 << 48) - 1) << 80
        | 0x7 << 76
        | secrets.randbits(12) << 64
        | 0b10 << 62
        | secrets.randbits(62)
    )


def _base62(number: int) -> str:
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
