"""The main job on real input: a year of departures becomes 96 invoices, proven figure by figure (`u2c
demo`)."""
