"""The pages of suspense, as their templates take them."""
