"""The command line: its commands, the options that they share, and how a call begins and ends."""
