"""When a webhook is tried again: the schedule of Standard Webhooks, over more than three days, on the
business clock."""

from datetime import timedelta

#: Before the 1st, 2nd, … attempt, counted from the one before.
DELAYS = tuple(
    timedelta(seconds=seconds) for seconds in (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
ATTEMPTS_MAX = len(DELAYS)
#: Up to a tenth longer, so that many endpoints do not come back at once.
JITTER = 0.1
RETRY_AFTER_MAX_S = 86_400
RETRY_AFTER_STATUSES = (429, 502, 503, 504)
GONE = 410


def is_success(status: int | None) -> bool:
    """Only 2xx is success: a redirect is not followed, and is a failure."""
    return status is not None and 200 <= status < 300


def next_delay(attempts: int, draw: float, retry_after_s: int | None) -> timedelta | None:
    """How long after the `attempts`-th failed attempt the next one starts; None when there is no next one.
    `draw` is in [0, 1)."""
    if attempts >= ATTEMPTS_MAX:
        return None
    delay = DELAYS[attempts] * (1 + JITTER * draw)
    return max(delay, timedelta(seconds=min(retry_after_s or 0, RETRY_AFTER_MAX_S)))


def retry_after_s(status: int | None, header: str | None) -> int | None:
    """Seconds of a Retry-After header where the status lets it count; None for a date or nonsense."""
    if (
        status not in RETRY_AFTER_STATUSES
        or header is None
        or not header.strip().isascii()
        or not header.strip().isdigit()
    ):
        return None
    return int(header.strip()[:9])
