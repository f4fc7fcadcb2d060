//! `valet`, the command line client: uploads that resume, the files one has, and a probe of a stack's controls.
//!
//! In reading order: the command line, how it connects, what it prints and ends with, and then the commands.
//! Nothing here may print a token or a signed URL.

mod args;
mod connect;
mod credential;

mod failure;
mod output;
mod text;

mod get;
mod limits;
mod list;
mod reindex;
mod remove;
mod resume;
mod upload;
mod usage;

mod media;
mod place;
mod progress;
mod send;
mod spool;
mod state;
mod walk;

mod probe;

use args::{Arguments, Command};
use clap::Parser;
use failure::Exit;
use std::process::{self, ExitCode};
use valet_client::Stop;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stop = Stop::new();
    stop_on_ctrl_c(&stop);
    let (connection, output) = (&arguments.connection, &arguments.command.output());
    let done = match &arguments.command {
        Command::Upload(args) => upload::run(args, connection, output, &stop),
        Command::Resume(args) => resume::run(args, connection, output, &stop),
        Command::Ls(args) => list::run(args, connection, output, &stop),
        Command::Get(args) => get::run(args, connection, output, &stop),
        Command::Rm(args) => remove::run(args, connection, output, &stop),
        Command::Limits(args) => limits::run(args, connection, output),
        Command::Usage(args) => usage::run(args, connection, output),
        Command::Probe(args) => probe::run(args, connection, output, &stop),
        Command::Reindex(args) => return reindex::run(args, output),
    };
    let exit = done.unwrap_or_else(|failure| {
        output.error(&failure.text);
        failure.exit
    });
    ExitCode::from(exit as u8)
}

/// The first Ctrl-C stops what is under way in good order, the second ends at once.
fn stop_on_ctrl_c(stop: &Stop) {
    let stop = stop.clone();
    let handler = move || {
        if stop.is_stopped() {
            process::exit(i32::from(Exit::Interrupted as u8));
        }
        stop.stop();
    };
    // Without a handler Ctrl-C still ends the program, which leaves an upload as resumable as a crash does.
    _ = ctrlc::set_handler(handler);
}
