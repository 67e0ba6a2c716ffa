"""Getting data and making them sure."""
