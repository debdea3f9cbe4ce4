"""Check the books, watch them, and reconcile what became of the usage."""
