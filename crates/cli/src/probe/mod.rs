//! `valet probe`: tries every control of a deployed stack from outside and says which of them hold.
//!
//! In reading order: what a check is, what it works with, the checks themselves, what is removed afterwards, what is shown.
//! It must never touch anything it did not make, and leaves nothing behind that it can remove.

mod check;
mod checks;
mod ledger;
mod not_enforced;
mod report;
mod samples;
mod stack;
mod web;

use crate::connect::{Connection, is_loopback};
use crate::credential::Credential;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use check::{Group, Row, Verdict};
use checks::{cdn, cors, deletion, expiry, grant, happy, https, multipart, storage, tokens, users};
use clap::{Args, ValueEnum};
use ledger::Ledger;
use report::Screen;
use stack::{Grant, Limits, Shown};
use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::time::Duration;
use valet_client::Stop;
use web::{NoAnswer, Web};

/// Everything that is tried, in this order: what has to wait, and what removes the file, comes last.
const GROUPS: &[Group] = &[
    happy::GROUP,
    grant::GROUP,
    tokens::GROUP,
    users::GROUP,
    storage::GROUP,
    cdn::GROUP,
    https::GROUP,
    cors::GROUP,
    multipart::GROUP,
    deletion::GROUP,
    expiry::GROUP,
];

/// What `valet probe` takes.
#[derive(Args)]
pub(crate) struct ProbeArgs {
    /// Bearer token of a second user, who must not get at what the first one has
    #[arg(long, env = "VALET_OTHER_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    other_token: Option<String>,
    /// File that holds the second user's token
    #[arg(long, env = "VALET_OTHER_TOKEN_FILE", value_name = "FILE")]
    other_token_file: Option<PathBuf>,
    /// Do not wait for a signed URL to end (up to 15 minutes)
    #[arg(long)]
    quick: bool,
    /// How long the CDN may go on serving a deleted file
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    deletion_wait: u64,
    /// One JSON document on standard output instead of the table
    #[arg(long)]
    json: bool,
    /// What answers: a deployed stack, or the local engine, which is known not to enforce a few things
    #[arg(long, value_enum, default_value = "auto", value_name = "WHICH")]
    engine: Engine,
}

#[derive(Clone, Copy, ValueEnum)]
enum Engine {
    /// Local if the API is on this machine
    Auto,
    /// Nothing is excused
    Deployed,
    /// What the local engine is known not to enforce is no hole
    Local,
}

/// What the checks work with.
struct Probe<'a> {
    web: Web,
    api: String,
    us: Credential,
    them: Option<Credential>,
    quick: bool,
    deletion_wait: Duration,
    limits: Limits,
    /// Whether there are routes under /v1/files.
    files: bool,
    stop: &'a Stop,
    screen: &'a Screen<'a>,
    ledger: RefCell<Ledger>,
    shown: OnceCell<Result<Shown, String>>,
    expiring: Option<Result<Grant, NoAnswer>>,
}

/// Tries everything, removes what it made, and says what it found.
pub(crate) fn run(
    args: &ProbeArgs,
    connection: &Connection,
    output: &Output,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let api = connection.base_url()?;
    let local = match args.engine {
        Engine::Auto => is_loopback(&api),
        Engine::Deployed => false,
        Engine::Local => true,
    };
    let screen = Screen::new(output, args.json, GROUPS);
    let mut probe = started(args, connection, api, &screen, stop)?;
    screen.begin(&probe.api, local);
    if !args.quick {
        probe.expiring = Some(expiry::grant(&probe));
    }
    let rows = try_all(&probe, local);
    screen.cleaning();
    let left = ledger::clean_up(&probe);
    let exit = verdict(&rows, stop);
    screen.end(&probe.api, &rows, &left, exit);
    Ok(exit)
}

fn started<'a>(
    args: &ProbeArgs,
    connection: &Connection,
    api: String,
    screen: &'a Screen<'a>,
    stop: &'a Stop,
) -> Result<Probe<'a>, Failure> {
    let mut probe = Probe {
        web: Web::new(connection.ca_file.as_deref())?,
        api,
        us: connection.credential()?,
        them: Credential::of(args.other_token.clone(), args.other_token_file.clone()),
        quick: args.quick,
        deletion_wait: Duration::from_secs(args.deletion_wait),
        limits: Limits { types: Vec::new(), parts: None },
        files: false,
        stop,
        screen,
        ledger: RefCell::default(),
        shown: OnceCell::new(),
        expiring: None,
    };
    for (whose, who) in [("the token", Some(&probe.us)), ("the other token", probe.them.as_ref())] {
        let Some(who) = who else { continue };
        who.read()?;
        let answer = probe.call_as(Some(who), "GET", "/v1/limits", None).map_err(unreachable)?;
        match answer.status {
            200 => {
                probe.limits = serde_json::from_slice(&answer.body).map_err(|_| {
                    Failure::new(
                        Exit::Failed,
                        "GET /v1/limits answers something else than limits; is --api right?",
                    )
                })?;
            }
            401 | 403 => {
                return Err(Failure::new(
                    Exit::Unauthorized,
                    format!("{whose} is not accepted ({})", answer.told()),
                ));
            }
            _ => {
                return Err(Failure::new(
                    Exit::Failed,
                    format!("GET /v1/limits: {}; is --api right?", answer.told()),
                ));
            }
        }
    }
    probe.files = probe.call("GET", "/v1/files?limit=1", None).map_err(unreachable)?.status == 200;
    Ok(probe)
}

fn unreachable(NoAnswer(why): NoAnswer) -> Failure {
    Failure::new(Exit::GaveUp, format!("the API does not answer: {why}"))
}

fn try_all(probe: &Probe, local: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for group in GROUPS {
        probe.screen.group(group);
        for check in group.checks {
            if probe.stop.is_stopped() {
                return rows;
            }
            probe.screen.trying(check);
            let row = Row::new(group, check, (check.run)(probe), local);
            probe.screen.row(&row);
            rows.push(row);
        }
    }
    rows
}

/// A hole outweighs silence, and silence an interruption is not.
fn verdict(rows: &[Row], stop: &Stop) -> Exit {
    let any = |verdict| rows.iter().any(|row| row.verdict == verdict);
    if any(Verdict::Hole) {
        Exit::Failed
    } else if stop.is_stopped() {
        Exit::Interrupted
    } else if any(Verdict::NoAnswer) {
        Exit::GaveUp
    } else {
        Exit::Ok
    }
}
