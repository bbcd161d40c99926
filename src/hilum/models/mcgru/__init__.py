"""MCGRU: a small GRU per column: settings in the base install, training with the extra `deep`."""
