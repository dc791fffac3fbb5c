"""What commands write to the terminal: messages, tables, and progress with an ETA."""
