"""From a line down to its clause, its statement, its journal entry and its raw events. Asks rating
over HTTP; stores nothing."""
