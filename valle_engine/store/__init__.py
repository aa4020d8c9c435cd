"""What a run keeps: the ledger of outcomes, the files they name, and the lock that makes one driver the only writer."""
