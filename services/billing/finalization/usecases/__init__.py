"""Number and publish the documents that are due; keep published numbers from being given twice."""
