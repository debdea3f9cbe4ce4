"""Numbers without a gap, within the series that a document's kind says."""

#: Documents of one series that one transaction numbers.
CHUNK_MAX = 100
_DIGITS = 6


def number_of(series: str, counter: int) -> str:
    """Return the document number, such as "DEFAULT-2013-000001"; it grows past six digits rather than
    repeat."""
    assert counter >= 1
    return f"{series}-{counter:0{_DIGITS}d}"


def counter_of(number: str) -> tuple[str, int]:
    """Return the series and the counter of a document number."""
    series, _, counter = number.rpartition("-")
    return series, int(counter)
