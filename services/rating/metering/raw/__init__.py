"""Raw events behind a quantity: what a meter counted between two instants, page by page, up to a
watermark."""
