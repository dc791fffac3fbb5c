"""The command line: its commands, their shared options, and how an invocation starts and ends."""
