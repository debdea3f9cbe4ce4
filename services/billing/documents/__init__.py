"""Invoices and notes as finance sees them: lists, JSON and one printable page. Owns nothing; reads documents.
Never changes one."""
