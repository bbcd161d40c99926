"""Explain: what does a fitted model go by? One method a file; each says what its figures mean, and what they do not.

A file here offers a pure function of its own name, and two things that the engine asks of all: `obstacle(fitted)`, why this model
cannot be explained so (nothing where it can), and `explain(question)`, an answer to a `hilum.explain._answer.Question`. The literal
SCOPE says whether a question is about many records, about one, or about either.
"""
