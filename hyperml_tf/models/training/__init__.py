"""What a training step does: batches, negatives, pairs, the loss, and the optimizer that goes with them."""
