"""Keep events that could not be taken, list them, resolve them."""
