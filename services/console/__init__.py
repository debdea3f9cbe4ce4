"""The console: where finance, customer success, engineers and a leader do their work.

Owns: the schema `console` (people, their sessions, who changed what of them). Asks: the four services, by HTTP and
with a key of the role of whom it speaks for. Never: hears or says a topic, reads another schema, adds or rounds an
amount. Switched off, nothing is late.
"""
