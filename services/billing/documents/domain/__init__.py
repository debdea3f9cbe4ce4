"""Pure: a document and its lines as read, and how they are shown."""
