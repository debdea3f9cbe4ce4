"""The main job on real input: a year of departures becomes 196 documents, proven figure by figure (`u2c
demo`)."""
