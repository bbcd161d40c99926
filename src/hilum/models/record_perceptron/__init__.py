"""A perceptron that reads each record alone: settings in the base install, training with the extra `deep`."""
