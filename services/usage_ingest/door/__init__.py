"""The door: bodies in, events out on the bus, a receipt behind them."""
