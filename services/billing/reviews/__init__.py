"""Reviews: people hold a draft, release it, mark it as seen, and approve it where the policy asks for that.

Owns: the policy's versions; what was said of a draft stands in its row. Hears: nothing. Says: nothing.
Never: gives a number, which finalization does, or changes what is finalized.
"""
