"""Charts, drawn here as SVG: decimals in, markup out. What is written on them is what the API said, never a number
that was made for an axis. Beneath each stands the same as a table."""
