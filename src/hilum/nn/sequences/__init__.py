"""What networks that read records in time share: records as tensors, encoders and their parts, losses, training. Needs torch."""
