"""Worked examples from outside, answered by the product: each case's neutral terms written in the terms language, and
what comes out held against what is expected. No arithmetic here: it asks what statements ask."""
