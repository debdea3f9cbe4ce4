"""Activity: what a subject did on a day, by meter and hour, told about every second and never in the hot
transaction."""
