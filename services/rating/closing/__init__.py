"""How far a month is closed. Owns nothing; reads periods, statements, requests and the bus. Says nothing."""
