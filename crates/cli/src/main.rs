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
use std::process::{self, ExitCode};
use valet_client::Stop;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stop = Stop::new();
    stop_on_ctrl_c(&stop);
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
