//! `valet limits`: what the stack accepts.

use crate::connect::Connection;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::text::size;
use clap::Args;
use indicatif::HumanDuration;
use std::time::Duration;

/// What `valet limits` takes.
#[derive(Args)]
pub(crate) struct LimitsArgs {
    /// The API's answer as one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints them.
pub(crate) fn run(args: &LimitsArgs, connection: &Connection, output: &Output) -> Result<Exit, Failure> {
    let limits = connection.api()?.limits()?;
    if args.json {
        output.json_line(&limits);
        return Ok(Exit::Ok);
    }
    for limit in &limits.types {
        let thumbnails = if limit.thumbnails { "  thumbnails" } else { "" };
        let line = format!(
            "{:<18} .{:<5} up to {:>10}{thumbnails}",
            limit.content_type,
            limit.extension,
            size(limit.max_size)
        );
        output.line(&line);
    }
    let time = |seconds: u64| HumanDuration(Duration::from_secs(seconds)).to_string();
    output.line(&format!(
        "A signed URL lives for {}, a grant for {}.",
        time(limits.url_lifetime_seconds),
        time(limits.grant_lifetime_seconds)
    ));
    if let (Some(parts), Some(lifetime)) = (limits.parts, limits.multipart_lifetime_seconds) {
        output.line(&format!(
            "Larger files go in parts of {} (or {} to {}), and can be resumed for {}.",
            size(parts.default_size),
            size(parts.min_size),
            size(parts.max_size),
            time(lifetime),
        ));
    }
    Ok(Exit::Ok)
}
