"""`lamcore crystal`: the stages of a challenge on the command line."""
