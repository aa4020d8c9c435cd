"""Pocket: the small model that comes with the engine, trained on synthetic speech alone."""
