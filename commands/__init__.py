"""The commands, a file for each moment of use; each imports what it needs when it is called."""
