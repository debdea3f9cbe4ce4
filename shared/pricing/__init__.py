"""The pricing core: terms and usage in, lines out. Pure: no I/O, no clock, no randomness, no float. Imports
no service."""

from shared.pricing.balances import EMPTY, Balances, UnitsBelowZero
from shared.pricing.explanation import Step, text_of
from shared.pricing.faults import ClauseNotPricedYet, TermsInvalid
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Plan, Terms, check_amendment, parse_plan, parse_terms, terms_json_schema
from shared.pricing.needs import Need, Totals, Usage
from shared.pricing.pipeline import price_period, usage_needs
from shared.pricing.results import PricedLine, PricedPeriod, PricedSegment
from shared.values.groups import Group
from shared.values.period import BillingCalendar, ServicePeriod

__all__ = [
    "EMPTY",
    "Balances",
    "BillingCalendar",
    "ClauseNotPricedYet",
    "Group",
    "Need",
    "Plan",
    "PricedLine",
    "PricedPeriod",
    "PricedSegment",
    "ServicePeriod",
    "Step",
    "Terms",
    "TermsInvalid",
    "Totals",
    "UnitsBelowZero",
    "Usage",
    "VersionInForce",
    "check_amendment",
    "parse_plan",
    "parse_terms",
    "price_period",
    "terms_json_schema",
    "text_of",
    "usage_needs",
]
