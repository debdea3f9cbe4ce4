"""What blocks were granted, lost and gave back, as the journal has it. What is drawn on them is posted with documents.

Hears: rating.block_rows. Owns nothing: an entry a row, by `journal`.
"""
