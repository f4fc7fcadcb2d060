//! An upload from beginning to end, and one taken up again.

use crate::api::Api;
use crate::backoff;
use crate::confirm;
use crate::cut::Cut;
use crate::error::{Error, Result};
use crate::file::{Checksum, File};
use crate::grant::{Grant, NewUpload, Status, ToSend};
use crate::observer::Observer;
use crate::options::{Options, Uploaded};
use crate::requests::Requests;
use crate::source::Source;
use crate::stop::Stop;
use crate::storage::Storage;
use crate::ticket::Ticket;
use crate::transfer::{Ending, State, Task, Transfer, over};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How soon a stop reaches connections that wait.
const GLANCE: Duration = Duration::from_millis(50);

/// Uploads a file and has it verified.
///
/// The observer is handed a [`Ticket`] as soon as there is a grant; whatever fails later, [`resume`] goes on from there if
/// [`Error::is_resumable`] says so. A file that is written to meanwhile is [`Error::FileChanged`], and nothing is confirmed.
pub fn upload(
    api: &Api,
    source: &Source,
    content_type: &str,
    options: &Options,
    observer: &impl Observer,
    stop: &Stop,
) -> Result<Uploaded> {
    Run::new(api, source, options, observer, stop)?.watched(|run| run.begin(content_type))
}

/// Takes an upload up again: what storage has of it is not sent again, but read here, to be sure it is of this file.
pub fn resume(
    api: &Api,
    ticket: &Ticket,
    source: &Source,
    options: &Options,
    observer: &impl Observer,
    stop: &Stop,
) -> Result<Uploaded> {
    if ticket.base_url != api.settings().base_url {
        return Err(Error::Settings("the upload was begun with another API".into()));
    }
    source.is_of(ticket)?;
    Run::new(api, source, options, observer, stop)?.watched(|run| run.go_on(ticket))
}

/// One call of [`upload`] or [`resume`].
struct Run<'a, O> {
    api: Api,
    storage: Storage,
    source: &'a Source,
    options: &'a Options,
    observer: &'a O,
    stop: &'a Stop,
    halt: Stop,
}

impl<'a, O: Observer> Run<'a, O> {
    fn new(
        api: &Api,
        source: &'a Source,
        options: &'a Options,
        observer: &'a O,
        stop: &'a Stop,
    ) -> Result<Self> {
        let halt = stop.within();
        Ok(Self {
            storage: Storage::new(api.settings(), options.parallel.clamp(1, 64))?,
            api: api.stoppable(&halt)?,
            source,
            options,
            observer,
            stop,
            halt,
        })
    }

    /// Does it, while a thread looks out for the stop and then breaks off whatever waits for the network.
    fn watched<T>(&self, run: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let watch = scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    if self.stop.is_stopped() {
                        self.storage.shutdown();
                        self.api.shutdown();
                        return;
                    }
                    thread::park_timeout(GLANCE);
                }
            });
            let done = run(self);
            over.store(true, Ordering::Release);
            watch.thread().unpark();
            done
        })
    }

    fn begin(&self, content_type: &str) -> Result<Uploaded> {
        let sha256 = self.options.sha256.then(|| self.sha256()).transpose()?;
        let name = || self.source.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let new = NewUpload {
            filename: self.options.filename.clone().unwrap_or_else(name),
            content_type: content_type.to_owned(),
            size: self.source.size(),
            part_size: self.options.part_size,
            checksum: sha256.map(|sha256| Checksum { sha256: Some(sha256), ..Checksum::default() }),
        };
        let Grant { upload, to_send } = self.granted(&new)?;
        let part_size = match &to_send {
            ToSend::Parts(multipart, _) => Some(multipart.part_size),
            ToSend::Single(_) | ToSend::Nothing => None,
        };
        let ticket = Ticket {
            id: upload.id.clone(),
            base_url: self.api.settings().base_url.clone(),
            path: self.source.path().to_owned(),
            size: self.source.size(),
            modified_ns: self.source.modified_ns(),
            part_size,
        };
        self.observer.granted(&ticket);
        if let ToSend::Nothing = to_send {
            return self.end(Err(over(upload)), &ticket, &State::default(), None);
        }
        // A key of the caller's own may have been used by a run before this one.
        let is_new = self.options.idempotency_key.is_none();
        self.carry_on(&ticket, to_send, is_new)
    }

    /// Asks for a grant; again, while there is no room for one, for as long as there is patience.
    fn granted(&self, new: &NewUpload) -> Result<Grant> {
        let began = Instant::now();
        loop {
            match self.api.issue(new, self.options.idempotency_key.as_deref()) {
                Err(error) if error.is_full_for_now() => {
                    let delay = backoff::delay(1, error.retry_after());
                    if began.elapsed() + delay > self.options.patience {
                        return Err(error);
                    }
                    self.observer.waiting(&error, delay);
                    if self.halt.wait(delay) {
                        return Err(Error::Stopped(None));
                    }
                }
                granted => return granted,
            }
        }
    }

    fn go_on(&self, ticket: &Ticket) -> Result<Uploaded> {
        let upload = self.api.upload(&ticket.id).map_err(|error| stopped_with(error, ticket))?;
        self.observer.granted(ticket);
        if upload.status != Status::Pending {
            return self.end(Err(over(upload)), ticket, &State::default(), None);
        }
        if upload.size != ticket.size {
            return Err(Error::Protocol {
                doing: "resuming",
                detail: "the upload is of another size".into(),
            });
        }
        let to_send = match (upload.multipart, ticket.part_size) {
            (Some(multipart), Some(part_size)) if multipart.part_size == part_size => {
                ToSend::Parts(multipart, Vec::new())
            }
            (None, None) => ToSend::Nothing,
            _ => {
                return Err(Error::Protocol {
                    doing: "resuming",
                    detail: "the parts are of another size".into(),
                });
            }
        };
        self.carry_on(ticket, to_send, false)
    }

    fn carry_on(&self, ticket: &Ticket, to_send: ToSend, is_new: bool) -> Result<Uploaded> {
        let cut = match &to_send {
            ToSend::Parts(multipart, _) => Cut::parts(self.source.size(), *multipart)?,
            ToSend::Single(_) | ToSend::Nothing => Cut::whole(self.source.size()),
        };
        let requests = Requests::new(&self.api, &ticket.id, cut, to_send, self.options.parallel)?;
        let transfer = Transfer {
            api: &self.api,
            storage: &self.storage,
            source: self.source,
            ticket,
            cut,
            requests,
            options: self.options,
            observer: self.observer,
            halt: &self.halt,
            state: State::default(),
        };
        let ended = transfer_and_confirm(&transfer, is_new);
        let crc = transfer.whole_crc().map(|crc| crc.to_string());
        self.end(ended, ticket, &transfer.state, crc)
    }

    fn end(
        &self,
        ended: std::result::Result<Box<File>, Ending>,
        ticket: &Ticket,
        state: &State,
        crc64nvme: Option<String>,
    ) -> Result<Uploaded> {
        let file = match ended {
            Ok(file) | Err(Ending::File(file)) => *file,
            Err(Ending::Error(error)) if self.stop.is_stopped() && error.is_retryable() => {
                return Err(Error::Stopped(Some(Box::new(ticket.clone()))));
            }
            Err(Ending::Error(error)) => return Err(stopped_with(error, ticket)),
        };
        Ok(Uploaded {
            file,
            sent_bytes: state.sent.load(Ordering::Relaxed),
            found_bytes: state.found.load(Ordering::Relaxed),
            retries: state.retries.load(Ordering::Relaxed),
            corrupted_parts: state.corrupted.load(Ordering::Relaxed),
            crc64nvme,
        })
    }

    /// Reads the whole file beforehand.
    fn sha256(&self) -> Result<String> {
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        let mut offset = 0;
        while offset < self.source.size() {
            if self.stop.is_stopped() {
                return Err(Error::Stopped(None));
            }
            match self.source.read_at(&mut buffer, offset).map_err(|error| self.source.unreadable(error))? {
                0 => return Err(Error::FileChanged(format!("it ends at byte {offset} now"))),
                read => {
                    digest.update(&buffer[..read]);
                    offset += read as u64;
                }
            }
        }
        self.source.is_unchanged()?;
        Ok(STANDARD.encode(digest.finalize()))
    }
}

fn transfer_and_confirm<O: Observer>(
    transfer: &Transfer<O>,
    is_new: bool,
) -> std::result::Result<Box<File>, Ending> {
    match transfer.ticket.part_size {
        Some(_) => {
            let mut stored = if is_new { BTreeMap::new() } else { confirm::stored(transfer)? };
            let (mut checks, mut sends) = (Vec::new(), Vec::new());
            for number in transfer.cut.numbers() {
                match stored.remove(&number).filter(|part| part.size == transfer.cut.range(number).1) {
                    Some(part) => checks.push(Task::Check(part)),
                    None => sends.push(Task::Send(number)),
                }
            }
            // A file that has changed is found out before more of it is sent.
            checks.append(&mut sends);
            transfer.run(checks)?;
        }
        // Whether storage has it is found by confirming.
        None if !is_new => {}
        None => transfer.run([Task::Send(1)])?,
    }
    transfer.source.is_unchanged()?;
    confirm::confirm(transfer)
}

fn stopped_with(error: Error, ticket: &Ticket) -> Error {
    match error {
        Error::Stopped(None) => Error::Stopped(Some(Box::new(ticket.clone()))),
        error => error,
    }
}
