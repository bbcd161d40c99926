"""Dr. Agent: settings in the base install, training with the extra `deep`."""
