"""Corrections of final periods: what came after a final statement is priced once more, and told as the difference.

Owns: corrections, and the marks that ask for them. Says: rating.statements, of the occasions note:1, note:2, …
Never: changes a final statement.
"""
