"""The four services, as the console asks them for a person: by HTTP, and by nothing else."""
