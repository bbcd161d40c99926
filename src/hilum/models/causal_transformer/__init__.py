"""A causal transformer over the records of a sequence: settings in the base install, training with the extra `deep`."""
