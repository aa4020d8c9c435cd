"""How workers are run: pools of workers behind one interface, and the scheduling logic between them and the items."""
