//! Builds on a real agent.
