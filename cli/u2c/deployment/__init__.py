"""One deployment on this machine: its processes, ports, keys, secrets, book and broker."""
