"""People: who may sign in, and what their role is."""
