"""Code every service may import: money, time, the bus, the topics, the pricing core. Imports no service."""
