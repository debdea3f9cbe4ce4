"""All SQL that reads documents: one with its lines, and lists by what they are sorted and found by."""
