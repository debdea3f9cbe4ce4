"""Which disposition a stored event has, without I/O."""
