"""A temporal convolutional network over the records of a sequence: settings in the base install, training with the extra `deep`."""
