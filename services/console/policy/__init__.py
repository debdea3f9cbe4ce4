"""When a final draft waits for an approval: the policy in force and those before, and the form that sets the next."""
