"""Late usage: what came after all was accepted of final periods, and whether it is billed or waived."""
