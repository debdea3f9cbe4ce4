"""The journal as finance pulls it: entries with their postings, of any source. Owns: entries and postings. Never
changes an entry."""
