"""Code every service may import: money, time, the bus, the topics, the pricing core. Imports no service."""

# Sets the decimal precision before any service multiplies.
from shared.values import decimals as _decimals

__all__: list[str] = []
assert _decimals.PRECISION == 50
