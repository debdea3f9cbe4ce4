"""One file a verb: price, hold, close, explain and trace statements."""
