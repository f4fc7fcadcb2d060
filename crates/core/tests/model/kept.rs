//! Histories that have found something once, each by the name of what it found.
