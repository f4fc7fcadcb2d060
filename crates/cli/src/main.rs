//! `valet`, the command line client: uploads that resume, the files one has, and a probe of a stack's controls.
//!
//! In reading order: the command line, how it connects, what it prints and ends with, and then the commands.
//! Nothing here may print a token or a signed URL.

mod args;
mod connect;
mod credential;
mod failure;
mod output;
mod probe;

use args::{Arguments, Command};
use clap::Parser;
use failure::Exit;
use output::Output;
use std::process::ExitCode;
use valet_client::Stop;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stop = Stop::new();
    let output = Output { quiet: false, json: false };
    let done = match &arguments.command {
        Command::Probe(args) => probe::run(args, &arguments.connection, &output, &stop),
    };
    let exit = done.unwrap_or_else(|failure| {
        output.error(&failure.text);
        failure.exit
    });
    ExitCode::from(exit as u8)
}
