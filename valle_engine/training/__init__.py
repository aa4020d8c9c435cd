"""Training: prepared corpora, the language model, adapters."""
