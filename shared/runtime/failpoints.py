"""Places where a test may ask the process to die, exactly as `kill -9` would, to prove that nothing is lost
there."""

import os
import signal

NAMES = frozenset(
    {
        "consumer.before_commit",  # effects written, transaction not committed
        "relay.before_publish",  # effect and outbox row committed, nothing on the bus yet
        "relay.after_publish",  # on the bus, outbox row not deleted yet
        "backfill.before_first",  # a meter changed, nothing added to its new series yet
        "old_book.before_commit",  # aggregates of before the fold packed, transaction not committed
        "fold.before_claim",  # batches committed, their deltas not folded
        "fold.before_commit",  # deltas folded, transaction not committed
        "fold.rolling_up",  # days of some subjects rolled up, transaction not committed
        "current.before_answer",  # drafts priced for who reads them, the answer not sent
        "close.before_final",  # the barrier passed, the final statement not written
        "correct.before_telling",  # corrections of final periods priced and written, not told
        "billing.after_number",  # a number taken, its document not committed
        "billing.after_check",  # one of the five results of a check kept, the others not made
        "webhook.after_send",  # a webhook sent, its attempt not recorded
    }
)


def _armed() -> tuple[str, int]:
    name, _, count = os.environ.get("U2C_FAILPOINT", "").partition(":")
    assert not name or name in NAMES, f"U2C_FAILPOINT={name} is not one of {sorted(NAMES)}"
    return name, int(count or "1")


_name, _left = _armed()


def reach(name: str) -> None:
    """Die here by SIGKILL when `U2C_FAILPOINT=name[:n]` names this place, on the n-th time it is reached."""
    global _left
    assert name in NAMES, name
    if name != _name:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
