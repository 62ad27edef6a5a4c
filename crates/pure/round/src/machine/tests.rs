//! What a node does about what the chain shows.
