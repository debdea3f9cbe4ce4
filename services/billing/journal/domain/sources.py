"""What the journal books. Each source has a posting function where it happens, which says its entry:
`finalization/domain/posting.py` that of a document."""

DOCUMENT, FINALIZED = "document", "finalized"
