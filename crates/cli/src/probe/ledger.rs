//! What the probe has made and must remove again, whatever happens. It never removes anything else.

use super::Probe;
use super::web::{Answer, NoAnswer};
use std::cell::RefCell;

/// The uploads made so far, and what cannot be removed by way of the API.
#[derive(Default)]
pub(super) struct Ledger {
    uploads: Vec<String>,
    left: Vec<String>,
}

impl Ledger {
    /// Notes the upload of an answer that grants one.
    pub(super) fn note_grant(ledger: &RefCell<Self>, answer: &Answer) {
        if let (true, Some(id)) = (answer.is_success(), answer.json()["id"].as_str()) {
            ledger.borrow_mut().uploads.push(id.into());
        }
    }

    /// Notes something that nobody but the account's owner can remove.
    pub(super) fn note_left(ledger: &RefCell<Self>, what: impl Into<String>) {
        ledger.borrow_mut().left.push(what.into());
    }
}

/// Cancels what is pending and deletes what became a file. Returns a sentence for each thing that stays.
pub(super) fn clean_up(probe: &Probe) -> Vec<String> {
    let (uploads, mut left) = {
        let mut ledger = probe.ledger.borrow_mut();
        (std::mem::take(&mut ledger.uploads), std::mem::take(&mut ledger.left))
    };
    let mut undeletable = Vec::new();
    for id in uploads {
        match remove(probe, &id) {
            Ok(Removal::Done) => {}
            Ok(Removal::NoSuchRoute) => undeletable.push(id),
            Ok(Removal::Refused(told)) => left.push(format!("upload {id} stays: {told}")),
            Err(NoAnswer(why)) => left.push(format!("upload {id} may stay: {why}")),
        }
    }
    if !undeletable.is_empty() {
        left.push(format!(
            "{} small files stay, as this stack has no DELETE /v1/files: {}",
            undeletable.len(),
            undeletable.join(" ")
        ));
    }
    left
}

enum Removal {
    Done,
    NoSuchRoute,
    Refused(String),
}

fn remove(probe: &Probe, id: &str) -> Result<Removal, NoAnswer> {
    let cancelled = probe.call("DELETE", &format!("/v1/uploads/{id}"), None)?;
    if cancelled.status == 204 {
        return Ok(Removal::Done);
    }
    if cancelled.code() != "invalid_state" {
        return Ok(Removal::Refused(cancelled.told()));
    }
    if !probe.files {
        // A deleted file is past cancelling as well.
        return Ok(Removal::NoSuchRoute);
    }
    let deleted = probe.call("DELETE", &format!("/v1/files/{id}"), None)?;
    Ok(if deleted.status == 204 { Removal::Done } else { Removal::Refused(deleted.told()) })
}
