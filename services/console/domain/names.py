"""What people may be called, and what a password may be."""

import re
import unicodedata
from typing import Final

from shared.errors import AppError
from shared.values.names import shown

#: As U2C-Actor takes it, in small letters: two spellings are one person.
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
NAME_CHARACTERS_MAX: Final = 64
PASSWORD_CHARACTERS_MIN: Final = 12
PASSWORD_CHARACTERS_MAX: Final = 256


class PersonNameInvalid(AppError):
    """A person is called by letters, digits and ._@+- and not like a key."""


class PasswordWeak(AppError):
    """A password is long, and is not the name."""


def folded(text: str) -> str:
    """A name as it was typed, in the form in which names are compared."""
    return text.strip().lower()


def is_name(text: str) -> bool:
    """Whether anybody may be called so."""
    return NAME.fullmatch(text) is not None and not text.startswith("key_")


def person_name(text: str) -> str:
    """The name, or PersonNameInvalid."""
    name = folded(text)
    if not is_name(name):
        raise PersonNameInvalid(
            f"{shown(text)} is none: take up to {NAME_CHARACTERS_MAX} letters, digits and ._@+- that begin with a letter "
            "or a digit, such as ana or ana@example.com"
        )
    return name


def new_password(name: str, text: str) -> str:
    """The password as it is compared, or PasswordWeak."""
    if not PASSWORD_CHARACTERS_MIN <= len(text) <= PASSWORD_CHARACTERS_MAX:
        raise PasswordWeak(
            f"it has {len(text)} characters; take {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX}, such as four "
            "words that nobody puts together"
        )
    if name in text.lower():
        raise PasswordWeak("it contains the name; take another one")
    return same_password(text)


def same_password(text: str) -> str:
    """The password in the form in which it is hashed: one, however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", text[:PASSWORD_CHARACTERS_MAX])
