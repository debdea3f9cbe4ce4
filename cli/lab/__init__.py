"""The lab: what the product is tried out with. The demo's year, `u2c chaos` and `u2c bench`.

It is in a checkout alone, not in the wheel and not in the image; `u2c.lab` finds it there. It may import the
product, and nothing of the product imports it.
"""
