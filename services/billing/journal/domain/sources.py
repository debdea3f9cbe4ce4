"""What the journal books. Each source has a posting function where it happens, which says its entry:
`finalization/domain/posting.py` that of a document, `blocks/domain/posting.py` that of a change of a block, whose event is
the kind of its row and the row, such as "expiry:17". Migration 0030 has moved draws of documents of before: `shortfall_moved`."""

DOCUMENT, FINALIZED = "document", "finalized"
BLOCK = "block"
