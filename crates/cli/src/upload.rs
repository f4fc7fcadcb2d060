//! `valet upload`: files, folders and standard input.

use crate::connect::Connection;
use crate::failure::{Exit, Failure};
use crate::media::{endings, type_of};
use crate::output::Output;
use crate::place::state_folder;
use crate::send::{Sender, quoted};
use crate::spool::spool;
use crate::state::State;
use crate::text::{parse_size, tame};
use crate::walk::walk;
use clap::Args;
use serde_json::json;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};
use valet_client::{Api, Limits, Options, Stop, Ticket};

/// What `valet upload` takes.
#[derive(Args)]
pub(crate) struct UploadArgs {
    /// Files; folders, with everything below them; or - for standard input
    #[arg(required = true, value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// Content type, instead of the one that the name's ending stands for
    #[arg(long = "type", value_name = "TYPE")]
    content_type: Option<String>,
    /// Name that the file is known by, instead of its own
    #[arg(long)]
    name: Option<String>,
    /// Have storage compare the SHA-256 as well; for files that go in one piece
    #[arg(long)]
    sha256: bool,
    /// Begin again, even if an upload of the same file could go on
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    transfer: Transfer,
    /// Size of the parts, such as 64MiB; a larger file goes in parts of it
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    part_size: Option<u64>,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

/// How parts travel.
#[derive(Args)]
pub(crate) struct Transfer {
    /// How many parts are under way at once
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
}

/// How much is shown.
#[derive(Args)]
pub(crate) struct Shown {
    /// One JSON document a line on standard output: every event, every result
    #[arg(long)]
    pub(crate) json: bool,
    /// Nothing but the files' URLs, and errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl Transfer {
    pub(crate) fn options(&self) -> Options {
        Options { parallel: self.parallel.into(), ..Options::default() }
    }
}

/// One file to send.
struct Job {
    path: PathBuf,
    name: String,
    content_type: String,
}

/// Uploads one after the other. What fails does not keep the others; the first failure is what it ends with.
pub(crate) fn run(
    args: &UploadArgs,
    connection: &Connection,
    output: &Output,
    stop: &Stop,
) -> Result<Exit, Failure> {
    if args.name.is_some() && args.paths.len() > 1 {
        return Err(Failure::new(Exit::Usage, "--name is for one file"));
    }
    let api = connection.api()?;
    let state = State::open(state_folder()?)?;
    let limits = api.limits()?;
    let mut failed = None;
    let sender = Sender { api: &api, state: &state, output, stop };
    for path in &args.paths {
        let jobs = jobs(args, path, &limits, &sender)?;
        for job in jobs {
            if let Err(failure) = send(args, &job, &sender) {
                output.error(&failure.text);
                // Of these the next file would fail as well.
                let for_all = matches!(failure.exit, Exit::Interrupted | Exit::Unauthorized | Exit::Usage);
                let exit = *failed.get_or_insert(failure.exit);
                if for_all {
                    return Ok(if failure.exit == Exit::Interrupted { Exit::Interrupted } else { exit });
                }
            }
        }
    }
    Ok(failed.unwrap_or(Exit::Ok))
}

/// What an argument stands for.
fn jobs(args: &UploadArgs, path: &Path, limits: &Limits, sender: &Sender) -> Result<Vec<Job>, Failure> {
    if path == Path::new("-") {
        let name = args.name.clone().unwrap_or_else(|| "stdin".into());
        let content_type = typed(args, Path::new(&name), limits)?;
        sender.output.note("Reading standard input");
        let spooled = spool(sender.state, io::stdin().lock(), sender.stop)?;
        return Ok(vec![Job { path: spooled.path.clone(), name, content_type }]);
    }
    let whole =
        absolute(path).map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))?;
    if whole.is_dir() {
        if args.name.is_some() {
            return Err(Failure::new(Exit::Usage, "--name is for one file, not for a folder"));
        }
        return Ok(below(args, &whole, limits, sender.output));
    }
    let own_name = || whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = args.name.clone().unwrap_or_else(own_name);
    // A name of another kind must not hide what the file is: its own ending counts first.
    let content_type = typed(args, &whole, limits)
        .or_else(|failure| typed(args, Path::new(&name), limits).map_err(|_| failure))?;
    Ok(vec![Job { path: whole, name, content_type }])
}

fn typed(args: &UploadArgs, name: &Path, limits: &Limits) -> Result<String, Failure> {
    args.content_type.clone().or_else(|| type_of(name, limits)).ok_or_else(|| {
        let text = format!(
            "{}: the name does not end in a type that this stack accepts ({}); use --type, or --name with such an ending",
            tame(&name.display().to_string()),
            endings(limits)
        );
        Failure::new(Exit::Failed, text)
    })
}

/// The accepted files below a folder; the others are named.
fn below(args: &UploadArgs, folder: &Path, limits: &Limits, output: &Output) -> Vec<Job> {
    let found = walk(folder);
    let mut skipped = found.skipped;
    let mut jobs = Vec::new();
    for path in found.files {
        let content_type = args.content_type.clone().or_else(|| type_of(&path, limits));
        let empty = path.metadata().is_ok_and(|metadata| metadata.len() == 0);
        match content_type {
            None => skipped.push((path, "not of an accepted type".into())),
            Some(_) if empty => skipped.push((path, "empty".into())),
            Some(content_type) => {
                let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
                jobs.push(Job { path, name, content_type });
            }
        }
    }
    for (path, reason) in &skipped {
        if output.json {
            output.json_line(&json!({"event": "skipped", "path": path, "reason": reason}));
        } else {
            output.note(&format!("skipped {}: {reason}", quoted(path)));
        }
    }
    let total: u64 =
        jobs.iter().filter_map(|job| job.path.metadata().ok()).map(|metadata| metadata.len()).sum();
    output.note(&format!("{} files, {}; {} skipped", jobs.len(), crate::text::size(total), skipped.len()));
    jobs
}

fn send(args: &UploadArgs, job: &Job, sender: &Sender) -> Result<(), Failure> {
    let options = Options {
        filename: Some(job.name.clone()),
        part_size: args.part_size,
        sha256: args.sha256,
        ..args.transfer.options()
    };
    for ticket in earlier(sender.state, sender.api, &job.path)? {
        let usable = !args.fresh && is_of(&ticket, &job.path);
        let Some(kept) = sender.state.take(&ticket)? else {
            if usable {
                let text = format!("{}: another process is uploading it", quoted(&job.path));
                return Err(Failure::new(Exit::Failed, text));
            }
            continue;
        };
        if usable {
            sender.output.note(&format!(
                "{}: going on with the upload of before ({})",
                tame(&job.name),
                ticket.id
            ));
            match sender.go_on(kept, &options) {
                Err(failure) if failure.is_over => {
                    sender.output.note(&format!("{}\nBeginning anew", failure.text));
                }
                done => return done,
            }
        } else {
            // Of the file as it was nothing can be sent any more.
            _ = sender.api.cancel(&ticket.id);
            kept.forget();
            sender.output.note(&format!(
                "{}: the upload of before ({}) was cancelled",
                tame(&job.name),
                ticket.id
            ));
        }
    }
    sender.begin(&job.path, &job.content_type, &options)
}

/// Uploads of this path to this API that did not end.
fn earlier(state: &State, api: &Api, path: &Path) -> Result<Vec<Ticket>, Failure> {
    let ours = |ticket: &Ticket| ticket.path == path && ticket.base_url == api.settings().base_url;
    Ok(state.tickets()?.into_iter().filter(ours).collect())
}

/// Whether the file is what the upload was begun with.
fn is_of(ticket: &Ticket, path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| {
        let modified = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        (metadata.len(), modified) == (ticket.size, ticket.modified_ns)
    })
}
