"""Sessions: who has signed in, on which browser, until when."""
