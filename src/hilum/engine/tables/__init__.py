"""Tables: the pipeline of a fold, its runner and probes, and prediction with what a run learned."""
