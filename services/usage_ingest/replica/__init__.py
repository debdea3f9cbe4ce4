"""What was heard of meters and customers: kept in tables, and in memory for the hot path."""
