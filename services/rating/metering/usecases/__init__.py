"""One file a verb: meter a batch, bound its groups, set aside, read quantities."""
