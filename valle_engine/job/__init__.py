"""Jobs: the schema, loading with line numbers, checked items, fingerprints."""
