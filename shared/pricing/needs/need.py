"""What every need says."""

from datetime import datetime

import msgspec


class Need(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """The usage that one stretch of a line is priced by: a meter between two instants (half-open), by dimensions.

    Its class says how that usage is read, and of what type the answer is.
    """

    line_key: str
    meter: str
    start: datetime
    end: datetime
    dimensions: tuple[str, ...]
