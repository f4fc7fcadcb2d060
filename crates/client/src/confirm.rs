//! The end of an upload: the API verifies what storage has, and whatever is missing or differs is sent again.

use crate::api::Confirmed;
use crate::backoff;
use crate::crc::Crc;
use crate::error::Error;
use crate::file::{Checksum, File};
use crate::grant::{Confirmation, ConfirmedPart, Status, StoredPart};
use crate::observer::Observer;
use crate::transfer::{Done, Ending, Task, Transfer, over};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often what is missing or differs is sent again.
const MOST_REPAIRS: u32 = 5;

type Result<T> = std::result::Result<T, Ending>;

/// Confirms until there is a file. Patient with an API that fails, as everything is stored by now.
pub(crate) fn confirm<O: Observer>(transfer: &Transfer<O>) -> Result<Box<File>> {
    let mut failures = 0;
    let mut repairs = 0;
    transfer.progress();
    transfer.observer.confirming();
    loop {
        let error = match transfer.api.confirm(&transfer.ticket.id, &confirmation(transfer)) {
            Ok(Confirmed::File(file)) => return Ok(file),
            Ok(Confirmed::Assembling { retry_after }) => {
                // Storage or a scanner is at work, however long it takes; at least a second, whatever it says.
                let wait = retry_after.clamp(Duration::from_secs(1), Duration::from_mins(1));
                transfer.progress();
                failures = 0;
                if transfer.halt.wait(backoff::spread(wait)) {
                    return Err(Error::Stopped(None).into());
                }
                continue;
            }
            Err(error) => error,
        };
        match error.code() {
            "not_uploaded" | "parts_mismatch" if repairs < MOST_REPAIRS => {
                repairs += 1;
                let tasks = lacking(transfer)?;
                if tasks.is_empty() {
                    if error.code() == "parts_mismatch" {
                        return Err(Error::Corrupt(
                            "the parts agree one by one, but not with the whole".into(),
                        )
                        .into());
                    }
                    // Stored a moment ago, and not yet listed.
                    if transfer.halt.wait(backoff::delay(repairs + 2, error.retry_after())) {
                        return Err(Error::Stopped(None).into());
                    }
                    continue;
                }
                transfer.run(tasks)?;
            }
            "not_uploaded" | "parts_mismatch" => {
                return Err(Error::Corrupt(format!("after {repairs} repairs still: {error}")).into());
            }
            _ if error.says_it_is_over() => return Err(transfer.ended(error)),
            _ => {
                failures += 1;
                transfer.pause(0, failures, error, None)?;
            }
        }
    }
}

fn confirmation<O: Observer>(transfer: &Transfer<O>) -> Confirmation {
    if transfer.ticket.part_size.is_none() {
        return Confirmation::default();
    }
    let checksum =
        transfer.whole_crc().map(|crc| Checksum { crc64nvme: Some(crc.to_string()), ..Checksum::default() });
    let parts = transfer.cut.numbers().zip(transfer.done()).filter_map(|(part_number, done)| {
        done.filter(|done| !done.etag.is_empty()).map(|Done { etag, .. }| ConfirmedPart { part_number, etag })
    });
    Confirmation { checksum, parts: parts.collect() }
}

/// What storage has not, or has otherwise than it was sent.
fn lacking<O: Observer>(transfer: &Transfer<O>) -> Result<Vec<Task>> {
    if transfer.ticket.part_size.is_none() {
        return Ok(vec![Task::Send(1)]);
    }
    let stored = stored(transfer)?;
    let lacking = transfer.cut.numbers().zip(transfer.done()).filter(|(number, done)| {
        let Some(part) = stored.get(number) else { return true };
        let Some(done) = done else { return true };
        part.size != transfer.cut.range(*number).1
            || !done.etag.is_empty() && part.etag != done.etag
            || crc_of(part).is_some_and(|crc| done.crc.is_some_and(|ours| ours != crc))
    });
    Ok(lacking.map(|(number, _)| Task::Send(number)).collect())
}

fn crc_of(part: &StoredPart) -> Option<Crc> {
    Crc::parse(part.checksum.as_ref()?.crc64nvme.as_deref()?)
}

/// All parts that storage has, by number.
pub(crate) fn stored<O: Observer>(transfer: &Transfer<O>) -> Result<BTreeMap<u32, StoredPart>> {
    let mut parts = BTreeMap::new();
    let mut after = None;
    loop {
        let page = transfer.api.stored_parts(&transfer.ticket.id, after)?;
        if page.upload.status != Status::Pending {
            return Err(over(page.upload));
        }
        parts.extend(page.parts.into_iter().map(|part| (part.part_number, part)));
        match page.next {
            // A server that went round in circles would never let go.
            Some(next) if after.is_none_or(|after| next > after) => after = Some(next),
            _ => return Ok(parts),
        }
    }
}
