"""Finalization: a final statement whose books hold becomes a numbered document, a journal entry and a
message, in one transaction.

Owns: number series, lines of finalized documents. Hears: nothing; it works off drafts.
Says: billing.documents. Never: changes what is finalized, or leaves a gap in a series.
"""
