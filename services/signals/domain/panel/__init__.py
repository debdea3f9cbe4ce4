"""A back-test on a panel: what is said of each customer as each month begins, against what the next three months did."""
