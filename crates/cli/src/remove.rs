//! `valet rm`: deletes files, and cancels uploads that did not end.

use crate::connect::Connection;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::place::state_folder;
use crate::spool::remove_if_spooled;
use crate::state::State;
use crate::text::tame;
use clap::Args;
use valet_client::{Api, Error, Stop};

/// What `valet rm` takes.
#[derive(Args)]
pub(crate) struct RemoveArgs {
    /// Ids of files, or of uploads that did not end
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

/// Removes each; what fails does not keep the others.
pub(crate) fn run(
    args: &RemoveArgs,
    connection: &Connection,
    output: &Output,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let api = connection.api()?;
    let state = State::open(state_folder()?)?;
    let mut failed = None;
    for id in &args.ids {
        if stop.is_stopped() {
            return Ok(Exit::Interrupted);
        }
        match remove(&api, id) {
            Ok(what) => {
                let ticket = state.tickets()?.into_iter().find(|ticket| ticket.id == *id);
                if let Some(ticket) = ticket {
                    remove_if_spooled(&state, &ticket.path);
                    state.forget(id);
                }
                output.note(&format!("{}: {what}", tame(id)));
            }
            Err(error) => {
                let failure = Failure::from(error);
                output.error(&format!("{}: {}", tame(id), failure.text));
                failed.get_or_insert(failure.exit);
                if failure.exit == Exit::Unauthorized {
                    break;
                }
            }
        }
    }
    Ok(failed.unwrap_or(Exit::Ok))
}

fn remove(api: &Api, id: &str) -> Result<&'static str, Error> {
    match api.delete_file(id) {
        Ok(()) => Ok("deleted"),
        // Not a file, or not yet. What is neither is refused once more.
        Err(Error::Refused { code, .. }) if code == "invalid_state" => api.cancel(id).map(|()| "cancelled"),
        Err(not_found @ Error::NotFound { .. }) => {
            api.cancel(id).map(|()| "cancelled").map_err(|_| not_found)
        }
        Err(error) => Err(error),
    }
}
