"""The form of an API key's secret: `u2c_live_`, 32 random bytes in base62, and a check sum that catches a
typing error."""

from hashlib import sha256
from typing import Final
from zlib import crc32

from shared.values.names import API_KEY_PREFIX

RANDOM_BYTES: Final = 32
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_DIGITS: Final = 43  # 62^43 > 2^256
_CHECK_DIGITS: Final = 6  # 62^6 > 2^32
#: What a list shows: enough to tell keys apart, nothing to guess from.
DISPLAYED: Final = len(API_KEY_PREFIX) + 4


def secret_of(random: bytes) -> str:
    """Return the secret made of 32 random bytes."""
    assert len(random) == RANDOM_BYTES
    body = _base62(int.from_bytes(random, "big"), _RANDOM_DIGITS)
    return f"{API_KEY_PREFIX}{body}{_check(body)}"


def well_formed(secret: str) -> bool:
    """Whether the check sum fits: false for a key mistyped or cut off."""
    body, check = secret[len(API_KEY_PREFIX) : -_CHECK_DIGITS], secret[-_CHECK_DIGITS:]
    return secret.startswith(API_KEY_PREFIX) and len(body) == _RANDOM_DIGITS and _check(body) == check


def hash_of(secret: str) -> str:
    """What is kept of a secret: hex SHA-256 of the whole. A slow hash would let anyone tie us up; 256 random
    bits need none."""
    return sha256(secret.encode()).hexdigest()


def display_prefix(secret: str) -> str:
    return secret[:DISPLAYED]


def _check(body: str) -> str:
    return _base62(crc32(body.encode()), _CHECK_DIGITS)


def _base62(number: int, digits: int) -> str:
    found = []
    for _ in range(digits):
        number, digit = divmod(number, 62)
        found.append(_ALPHABET[digit])
    return "".join(reversed(found))
