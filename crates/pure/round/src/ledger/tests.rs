//! Transitions and refusals of the ledger.
