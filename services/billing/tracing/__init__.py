"""From a line down to its clause, its statement, its journal entry and its raw events (law 6). Asks rating
over HTTP; stores nothing."""
