"""One file a verb: mark final periods, correct them, say when a contract without open periods is looked at."""
