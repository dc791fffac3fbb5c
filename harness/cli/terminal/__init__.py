"""What commands write to the terminal: messages, tables, and progress with a time left."""
