//! `valet reindex`: runs `valet-reindex`, which knows AWS; this program does not, and asks for no credentials of an operator.

use crate::failure::Exit;
use crate::output::Output;
use clap::Args;
use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const PROGRAM: &str = "valet-reindex";

/// What is passed on.
#[derive(Args)]
pub(crate) struct ReindexArgs {
    /// Arguments of `valet-reindex`; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    passed_on: Vec<OsString>,
}

/// Runs the program beside this one, or the one on the path, and ends as it does.
pub(crate) fn run(args: &ReindexArgs, output: &Output) -> ExitCode {
    let ended = Command::new(beside().unwrap_or_else(|| PROGRAM.into())).args(&args.passed_on).status();
    let exit = match ended {
        // Ended by a signal, which Ctrl-C sends to both.
        Ok(status) => return status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(130).into(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            output.error(
                "valet-reindex is not installed, neither beside this program nor on the path; \
                 `cargo install --locked --path crates/reindex` installs it",
            );
            Exit::Usage
        }
        Err(error) => {
            output.error(&format!("valet-reindex cannot be run: {error}"));
            Exit::Failed
        }
    };
    ExitCode::from(exit as u8)
}

/// The program in the folder of this one, where both were installed together.
fn beside() -> Option<PathBuf> {
    let path = env::current_exe().ok()?.with_file_name(format!("{PROGRAM}{}", env::consts::EXE_SUFFIX));
    path.is_file().then_some(path)
}
