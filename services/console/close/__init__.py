"""May a month be closed: each step of its close with its state, its owner and its evidence, and suspense accepted in
writing."""
