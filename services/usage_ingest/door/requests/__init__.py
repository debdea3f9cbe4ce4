"""The bodies that the door takes, unpacked and told apart by their headers."""
