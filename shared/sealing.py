"""Secrets at rest: sealed with a key that is not in the database, so that a copy of the database opens none
of them (Fernet)."""

import base64
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.errors import AppError, Kind


class SealKeyMissing(AppError):
    """This service has no key to seal secrets with: set U2C_WEBHOOK_KEY as `u2c migrate --keys` prints it,
    and start it again."""

    kind = Kind.UNAVAILABLE


class SealBroken(AppError):
    """This secret was sealed with another key: give the service that one as U2C_WEBHOOK_KEY_PREVIOUS, or set
    the secret anew."""

    kind = Kind.CONFLICT


@dataclass(frozen=True)
class Seal:
    """Seals with `key` and opens what `key` or `previous` sealed. A key is any text; "" is none."""

    key: str
    previous: str = ""

    def seal(self, text: str) -> str:
        """The text sealed, in ASCII. Sealing it again gives another result."""
        return self._all.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed, or SealBroken."""
        try:
            return self._all.decrypt(sealed).decode()
        except InvalidToken:
            raise SealBroken() from None

    def renewed(self, sealed: str) -> str:
        """The same text sealed with `key`: as it is where it was already. Raises SealBroken."""
        try:
            self._newest.decrypt(sealed)
            return sealed
        except InvalidToken:
            return self.seal(self.open(sealed))

    @cached_property
    def _newest(self) -> Fernet:
        if not self.key:
            raise SealKeyMissing()
        return _fernet(self.key)

    @cached_property
    def _all(self) -> MultiFernet:
        return MultiFernet([self._newest, *([_fernet(self.previous)] if self.previous else [])])


def _fernet(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(sha256(key.encode()).digest()))
