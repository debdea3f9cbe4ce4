"""One file a verb, called by its name; each offers `command` (a function) or `app` (with verbs below it)."""
