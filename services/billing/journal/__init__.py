"""The journal as finance pulls it: entries with their postings. Owns nothing; finalization writes it, once.
Never changes an entry."""
