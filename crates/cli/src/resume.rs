//! `valet resume`: goes on with uploads that did not end.

use crate::connect::Connection;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::place::state_folder;
use crate::send::{Sender, quoted};
use crate::state::State;
use crate::text::size;
use crate::upload::{Shown, Transfer};
use clap::Args;
use std::path::{Path, absolute};
use valet_client::{Stop, Ticket};

/// What `valet resume` takes.
#[derive(Args)]
pub(crate) struct ResumeArgs {
    /// Upload's id, or the file; may be left out if there is just one upload to go on with
    #[arg(value_name = "ID|FILE", conflicts_with_all = ["all", "list"])]
    which: Option<String>,
    /// Go on with all of them
    #[arg(long)]
    all: bool,
    /// Say which there are, and do nothing
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    transfer: Transfer,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

/// Takes up what was asked for.
pub(crate) fn run(
    args: &ResumeArgs,
    connection: &Connection,
    output: &Output,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let state = State::open(state_folder()?)?;
    let tickets = state.tickets()?;
    if args.list {
        list(&tickets, output);
        return Ok(Exit::Ok);
    }
    let api = connection.api()?;
    let base_url = &api.settings().base_url;
    let tickets: Vec<Ticket> = tickets.into_iter().filter(|ticket| ticket.base_url == *base_url).collect();
    let chosen = chosen(args, tickets)?;
    let sender = Sender { api: &api, state: &state, output, stop };
    let mut failed = None;
    for ticket in chosen {
        let Some(kept) = state.take(&ticket)? else {
            output.error(&format!("{}: another process is uploading it", quoted(&ticket.path)));
            failed.get_or_insert(Exit::Failed);
            continue;
        };
        if let Err(failure) = sender.go_on(kept, &args.transfer.options()) {
            output.error(&failure.text);
            failed.get_or_insert(failure.exit);
            if failure.exit == Exit::Interrupted {
                return Ok(Exit::Interrupted);
            }
        }
    }
    Ok(failed.unwrap_or(Exit::Ok))
}

fn chosen(args: &ResumeArgs, tickets: Vec<Ticket>) -> Result<Vec<Ticket>, Failure> {
    let Some(which) = &args.which else {
        return match tickets.len() {
            0 if args.all => Ok(tickets),
            0 => Err(Failure::new(Exit::NotFound, "there is no upload to go on with")),
            1 => Ok(tickets),
            _ if args.all => Ok(tickets),
            count => Err(Failure::new(
                Exit::Usage,
                format!(
                    "there are {count} uploads to go on with; name one, or use --all (valet resume --list shows them)"
                ),
            )),
        };
    };
    let path = absolute(Path::new(which)).ok();
    let found: Vec<Ticket> = tickets
        .into_iter()
        .filter(|ticket| ticket.id == *which || Some(&ticket.path) == path.as_ref())
        .collect();
    if found.is_empty() {
        return Err(Failure::new(
            Exit::NotFound,
            format!("{}: there is no such upload to go on with", quoted(Path::new(which))),
        ));
    }
    Ok(found)
}

fn list(tickets: &[Ticket], output: &Output) {
    for ticket in tickets {
        if output.json {
            output.json_line(ticket);
        } else {
            output.line(&format!(
                "{}  {:>10}  {}  {}",
                ticket.id,
                size(ticket.size),
                ticket.base_url,
                quoted(&ticket.path)
            ));
        }
    }
    if tickets.is_empty() {
        output.note("Nothing is left to go on with.");
    }
}
