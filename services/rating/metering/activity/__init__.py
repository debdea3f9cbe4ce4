"""Activity: what a subject did in an hour, by meter. The fold tells the hours it touches; what is asked for again
it tells day by day."""
