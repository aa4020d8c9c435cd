"""Scoring: transcribers and scorers at work beside the run, and the numbers that are made of what they find."""
