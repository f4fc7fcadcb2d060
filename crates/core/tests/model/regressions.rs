//! Histories that have found something, kept.
