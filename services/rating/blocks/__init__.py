"""Blocks: amounts of money that contracts draw on. Every change of a balance is a row, and a balance is their sum."""
