//! The command line. Its help is the manual.

use crate::connect::Connection;
use crate::probe::ProbeArgs;
use clap::{Parser, Subcommand};

/// Uploads files of any size to a Valet stack, and probes the stack's controls.
#[derive(Parser)]
#[command(name = "valet", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Try every control of a stack from outside: what must be refused, and what must work
    Probe(ProbeArgs),
}
