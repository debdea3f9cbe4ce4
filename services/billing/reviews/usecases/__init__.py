"""One file a verb: hold, release, approve or mark a draft as seen; set the policy."""
