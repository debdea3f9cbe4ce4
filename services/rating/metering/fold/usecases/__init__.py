"""One file a verb: fold what waits, add a change to the packed rows."""
