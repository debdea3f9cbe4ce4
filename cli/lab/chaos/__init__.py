"""`u2c chaos`: real processes are killed, stopped and woken while usage pours in; afterwards every
acknowledged event must be accounted for.

The month it plays is the spine's (tests/system/spine): hostile usage with an oracle that knows each invoice to the
cent.
"""
