"""The command line client against a deployed stack: its binary, and nothing of ours beside it."""
