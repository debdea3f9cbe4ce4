"""A number as a document writes it."""

import msgspec


class WrittenNumber(float):
    """A JSON number with a point or an exponent: a float to whoever refuses floats, and its own text to whoever reads
    it exactly."""

    text: str

    def __new__(cls, text: str) -> "WrittenNumber":
        made = super().__new__(cls, text)
        made.text = text
        return made


def as_written(value: object) -> bytes:
    """Return a value of `read_exactly` as JSON again, its numbers digit by digit."""
    return msgspec.json.encode(value, enc_hook=_text_of)


def _text_of(value: object) -> msgspec.Raw:
    assert isinstance(value, WrittenNumber), f"{type(value)} is no value of JSON"
    return msgspec.Raw(value.text.encode())
