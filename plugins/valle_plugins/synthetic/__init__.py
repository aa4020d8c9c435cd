"""Speech of nobody: texts, voices, noises and rooms without end, all of them made from a seed.

`corpus` says who says what, `rendering` makes it sound, `noises` and `rooms` spoil it.
"""
