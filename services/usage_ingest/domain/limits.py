"""How much the door takes. One place, so that answers, tests and documentation name the same figures."""

from typing import Final

from shared.values.names import DATA_TEXT

EVENTS_MAX: Final = 10_000  # of one request, voids too
# as sent, and again after decompression: a compressed body gets no larger allowance
BODY_MAX_BYTES: Final = 8 * 1024 * 1024
EVENT_MAX_BYTES: Final = 64 * 1024  # a larger event is quarantined with its bytes …
# … up to this size, which a message of the bus can carry; beyond, the request is refused
EVENT_KEPT_MAX_BYTES: Final = 512 * 1024
TEXT_MAX_BYTES: Final = DATA_TEXT.bytes_max  # every string in data
PROPERTIES_MAX: Final = 64  # names in data, nested ones included
DEPTH_MAX: Final = 16  # data itself is level 1
NUMBER_MAX_CHARACTERS: Final = 64  # of a number's literal, and of an integer's digits
EXPONENT_MAX_DIGITS: Final = 2  # 1e99 is a number; 1e400 and 1e1000000 are refused before any arithmetic
