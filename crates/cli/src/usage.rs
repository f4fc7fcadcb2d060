//! `valet usage`: what one holds, and may hold.

use crate::connect::Connection;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::text::size;
use clap::Args;
use valet_client::Count;

/// What `valet usage` takes.
#[derive(Args)]
pub(crate) struct UsageArgs {
    /// The API's answer as one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints it.
pub(crate) fn run(args: &UsageArgs, connection: &Connection, output: &Output) -> Result<Exit, Failure> {
    let usage = connection.api()?.usage()?;
    if args.json {
        output.json_line(&usage);
        return Ok(Exit::Ok);
    }
    for (name, count, shown) in [
        ("files", usage.files, plain as fn(u64) -> String),
        ("bytes", usage.bytes, size),
        ("pending uploads", usage.pending, plain),
        ("grants this minute", usage.grants_per_minute, plain),
    ] {
        output.line(&line(name, count, shown));
    }
    Ok(Exit::Ok)
}

fn plain(number: u64) -> String {
    number.to_string()
}

fn line(name: &str, count: Count, shown: fn(u64) -> String) -> String {
    let limit = count.limit.map_or_else(|| "no limit".to_owned(), |limit| format!("of {}", shown(limit)));
    format!("{name:<18}  {:>10}  {limit}", shown(count.used))
}
