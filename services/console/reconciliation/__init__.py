"""Whether the books hold: the five checks as they were last made, each break with its remedy, and a check now."""
