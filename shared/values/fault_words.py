"""What a fault of validation says to the one who mends it, where Pydantic's own words leave out the
remedy."""

INSTANT = "write an instant with its offset, such as 2026-03-14T09:30:00Z."
DAY = "write a day, such as 2026-03-14."

OBJECT = "It is no object; write its keys and values in braces."
LIST = "It is no list; write its items in brackets."

WORDS = {
    "missing": "It is missing and has no default; add it.",
    "extra_forbidden": "Nothing of this name is taken here; check its spelling, or leave it out.",
    "dict_type": OBJECT,
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "list_type": LIST,
    "tuple_type": LIST,
    "timezone_aware": f"It has no offset; {INSTANT}",
    "datetime_type": f"It is no instant; {INSTANT}",
    "datetime_parsing": f"It is no instant; {INSTANT}",
    "datetime_from_date_parsing": f"It is no instant; {INSTANT}",
    "date_type": f"It is no day; {DAY}",
    "date_parsing": f"It is no day; {DAY}",
    "date_from_datetime_parsing": f"It is no day; {DAY}",
    "date_from_datetime_inexact": f"It is no day; {DAY}",
}


def said(kind: str, words: str) -> str:
    """The fault of this kind in our words, else as Pydantic has it."""
    return WORDS.get(kind, words)
