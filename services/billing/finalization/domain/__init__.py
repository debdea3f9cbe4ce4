"""Pure: numbers, what stands in the way of a draft, and what it posts."""
