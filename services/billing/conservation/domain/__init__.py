"""Pure: what a break is, what a report says, the decision table of K3."""
