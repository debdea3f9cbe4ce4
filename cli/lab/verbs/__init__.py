"""The verbs of the command line that need the lab, one file each."""
