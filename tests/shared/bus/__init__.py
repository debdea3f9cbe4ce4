"""One conformance suite for every bus; consumers are OS processes that are killed, stopped and woken."""
