"""Seats: where authority sits. People hold them for a time; a key that acts for one carries its name."""

from typing import Final

SEATS: Final = (
    "head-of-revenue",
    "cfo",
    "integration-engineer",
    "pricing-owner",
    "deal-desk",
    "account-executive",
    "customer-success-manager",
    "billing-operations",
)
