"""The most active users: told when they have gone quiet, and again only after enough of them were back."""

from services.signals.domain.customer_day import Known
from services.signals.domain.fact import Fact
from shared.values.decimals import plain


def go_quiet(known: Known, before: bool) -> tuple[list[Fact], bool]:
    """What is not known changes nothing."""
    engagement, rule = known.heard, known.policy.most_active
    share = engagement.quiet_share if engagement else None
    if engagement is None or share is None:
        return [], before
    quiet = share >= (rule.leave if before else rule.enter)
    if before or not quiet:
        return [], quiet
    data = {
        "most_active": engagement.most_active,
        "quiet": engagement.most_active_quiet,
        "share": plain(share),
        "quiet_days": rule.quiet_days,
    }
    key = (known.customer.customer_id, known.day.isoformat())
    return [Fact("customer.users_quiet", key, known.day, data)], quiet
