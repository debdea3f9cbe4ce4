"""The pages of invoices, as their templates take them."""
