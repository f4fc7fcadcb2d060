//! `valet ls`: the files one has.

use crate::connect::Connection;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::text::{size, tame};
use clap::Args;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use valet_client::Stop;

const WHEN: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]");
/// The most that the API gives at once.
const PAGE: u32 = 100;

/// What `valet ls` takes.
#[derive(Args)]
pub(crate) struct ListArgs {
    /// No more than so many, the newest
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The API's record of each file, one JSON document a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints them, newest first: id, size, time (UTC), type, name.
pub(crate) fn run(
    args: &ListArgs,
    connection: &Connection,
    output: &Output,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let api = connection.api()?;
    let mut left = args.limit.unwrap_or(usize::MAX);
    let mut cursor = None;
    while left > 0 && !stop.is_stopped() {
        let wanted = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        let page = api.files(cursor.as_deref(), Some(wanted))?;
        for file in page.items.iter().take(left) {
            if args.json {
                output.json_line(file);
            } else {
                let when = file.created_at.format(WHEN).unwrap_or_default();
                let (id, kind, name) = (tame(&file.id), tame(&file.content_type), tame(&file.filename));
                output.line(&format!("{id}  {:>10}  {when}  {kind:<16}  {name}", size(file.size)));
            }
        }
        left = left.saturating_sub(page.items.len());
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(if stop.is_stopped() { Exit::Interrupted } else { Exit::Ok })
}
