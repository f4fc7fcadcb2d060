//! The parts' way to storage: a queue, threads that work it off, and what becomes of each part. It confirms nothing.

use crate::api::Api;
use crate::backoff;
use crate::crc::Crc;
use crate::cut::Cut;
use crate::error::{Error, Result};
use crate::file::File;
use crate::grant::{SignedRequest, Status, StoredPart, Upload};
use crate::observer::Observer;
use crate::options::Options;
use crate::part_reader::PartReader;
use crate::requests::Requests;
use crate::source::Source;
use crate::stop::Stop;
use crate::storage::{Put, Storage};
use crate::ticket::Ticket;
use std::collections::VecDeque;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often storage may refuse fresh URLs, or store other bytes than were sent, of one part in a row.
const MOST_REFUSALS: u32 = 4;

/// After so many failures in a row a URL is signed again: its refusal may have been lost with the connection.
const FAILURES_OF_A_URL: u32 = 2;

/// What a part that is there already is read with.
const SCRATCH: usize = 256 << 10;

/// A part to be seen to.
#[derive(Debug)]
pub(crate) enum Task {
    /// Send it.
    Send(u32),
    /// Storage has it: read it here, to know its CRC and that it is still the same.
    Check(StoredPart),
}

/// A part that storage has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) etag: String,
    pub(crate) crc: Option<Crc>,
}

/// Why there is no more to send.
pub(crate) enum Ending {
    /// Something failed for good.
    Error(Error),
    /// Another run has finished this upload meanwhile.
    File(Box<File>),
}

impl From<Error> for Ending {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// One upload's way to storage.
pub(crate) struct Transfer<'a, O> {
    pub(crate) api: &'a Api,
    pub(crate) storage: &'a Storage,
    pub(crate) source: &'a Source,
    pub(crate) ticket: &'a Ticket,
    pub(crate) cut: Cut,
    pub(crate) requests: Requests<'a>,
    pub(crate) options: &'a Options,
    pub(crate) observer: &'a O,
    pub(crate) halt: &'a Stop,
    pub(crate) state: State,
}

/// What the threads share.
#[derive(Default)]
pub(crate) struct State {
    tasks: Mutex<VecDeque<Task>>,
    done: Mutex<Vec<Option<Done>>>,
    ending: Mutex<Option<Ending>>,
    /// Since when nothing has got through.
    trouble: Mutex<Option<Instant>>,
    pub(crate) sent: AtomicU64,
    pub(crate) found: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) corrupted: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

impl<O: Observer> Transfer<'_, O> {
    /// Works all tasks off, several at a time.
    pub(crate) fn run(&self, tasks: impl IntoIterator<Item = Task>) -> std::result::Result<(), Ending> {
        let tasks: VecDeque<_> = tasks.into_iter().collect();
        let workers = self.options.parallel.clamp(1, 64).min(tasks.len());
        *lock(&self.state.tasks) = tasks;
        lock(&self.state.done).resize(self.cut.count() as usize, None);
        thread::scope(|scope| {
            for _ in 1..workers {
                scope.spawn(|| self.work());
            }
            self.work();
        });
        let ending = lock(&self.state.ending).take();
        match ending {
            Some(ending) => Err(ending),
            None if self.halt.is_stopped() => Err(Error::Stopped(None).into()),
            None => Ok(()),
        }
    }

    /// What storage has, by part number less one.
    pub(crate) fn done(&self) -> Vec<Option<Done>> {
        lock(&self.state.done).clone()
    }

    /// The whole file's CRC, if all parts' are known.
    pub(crate) fn whole_crc(&self) -> Option<Crc> {
        let done = lock(&self.state.done);
        self.cut.numbers().zip(done.iter()).try_fold(Crc::EMPTY, |whole, (number, done)| {
            Some(whole.then(done.as_ref()?.crc?, self.cut.range(number).1))
        })
    }

    /// Waits before the next try of `number`, or says that there is none.
    pub(crate) fn pause(
        &self,
        number: u32,
        failures: u32,
        error: Error,
        asked: Option<Duration>,
    ) -> Result<()> {
        if self.halt.is_stopped() {
            return Err(Error::Stopped(None));
        }
        if !error.is_retryable() {
            return Err(error);
        }
        let since = *lock(&self.state.trouble).get_or_insert_with(Instant::now);
        if since.elapsed() > self.options.patience {
            return Err(Error::GaveUp {
                ticket: Box::new(self.ticket.clone()),
                patience: self.options.patience,
                last: Box::new(error),
            });
        }
        let delay = backoff::delay(failures, asked.or(error.retry_after()));
        count(&self.state.retries, 1);
        self.observer.retrying(number, &error, delay);
        if self.halt.wait(delay) { Err(Error::Stopped(None)) } else { Ok(()) }
    }

    /// Something got through.
    pub(crate) fn progress(&self) {
        *lock(&self.state.trouble) = None;
    }

    fn work(&self) {
        let mut scratch = Vec::new();
        while !self.halt.is_stopped() && lock(&self.state.ending).is_none() {
            let Some(task) = lock(&self.state.tasks).pop_front() else { return };
            let worked = match task {
                Task::Send(number) => self.send(number),
                Task::Check(part) => self.check(&part, &mut scratch).map_err(Ending::Error),
            };
            if let Err(ending) = worked {
                lock(&self.state.ending).get_or_insert(ending);
                // The others' parts are of no use any more.
                self.halt.stop();
                self.storage.shutdown();
                return;
            }
        }
    }

    fn finish(&self, number: u32, done: Done) {
        lock(&self.state.done)[(number - 1) as usize] = Some(done);
        self.progress();
        self.observer.part_done(number);
    }

    fn check(&self, part: &StoredPart, scratch: &mut Vec<u8>) -> Result<()> {
        let range = self.cut.range(part.part_number);
        let mut crc = None;
        if self.options.checksums {
            scratch.resize(SCRATCH, 0);
            let mut reader = PartReader::new(self.source, range, true, self.halt, &());
            while reader.left() > 0 {
                if let Err(error) = reader.read(scratch) {
                    return Err(reader.fault().unwrap_or_else(|| self.source.unreadable(error)));
                }
            }
            crc = reader.crc();
            let stored =
                part.checksum.as_ref().and_then(|checksum| Crc::parse(checksum.crc64nvme.as_deref()?));
            if stored.is_some() && stored != crc {
                return Err(Error::FileChanged(format!(
                    "part {} is not what was sent of it",
                    part.part_number
                )));
            }
        }
        count(&self.state.found, range.1);
        self.observer.found(range.1);
        self.finish(part.part_number, Done { etag: part.etag.clone(), crc });
        Ok(())
    }

    fn send(&self, number: u32) -> std::result::Result<(), Ending> {
        let mut request: Option<SignedRequest> = None;
        let mut failures = 0;
        let mut refusals = 0;
        loop {
            let signed = match request.take() {
                Some(signed) => signed,
                None => match self.requests.get(number, |most| self.coming(most)) {
                    Ok(signed) => signed,
                    Err(error) if error.says_it_is_over() => return Err(self.ended(error)),
                    Err(error) => {
                        failures += 1;
                        self.pause(number, failures, error, None)?;
                        continue;
                    }
                },
            };
            let range = self.cut.range(number);
            let mut reader =
                PartReader::new(self.source, range, self.options.checksums, self.halt, self.observer);
            let put = self.storage.put(&signed, &mut reader, range.1);
            count(&self.state.sent, reader.taken());
            if let Some(fault) = reader.fault() {
                return Err(fault.into());
            }
            let (error, asked) = match put? {
                Put::Stored { etag, crc } if reader.left() == 0 => {
                    if crc.is_none() || reader.crc().is_none() || crc == reader.crc() {
                        self.source.is_unchanged()?;
                        self.finish(number, Done { etag, crc: reader.crc() });
                        return Ok(());
                    }
                    count(&self.state.corrupted, 1);
                    refusals += 1;
                    (self.corrupt(number, refusals)?, None)
                }
                Put::Stored { .. } => (broken("storage answered before it had all"), None),
                Put::Exists => {
                    // A PUT of ours whose answer was lost, this one's or an earlier run's.
                    self.observer.unsent(reader.taken());
                    self.observer.found(range.1);
                    count(&self.state.found, range.1);
                    self.finish(number, Done { etag: String::new(), crc: None });
                    return Ok(());
                }
                Put::Damaged => {
                    refusals += 1;
                    count(&self.state.corrupted, 1);
                    (self.corrupt(number, refusals)?, None)
                }
                Put::NotSigned => {
                    self.requests.discard(number);
                    refusals += 1;
                    if refusals > MOST_REFUSALS {
                        return Err(Error::Storage { status: 403, code: "AccessDenied".into() }.into());
                    }
                    self.observer.unsent(reader.taken());
                    count(&self.state.retries, 1);
                    continue;
                }
                Put::NoSuchUpload => return Err(self.no_such_upload()),
                Put::Failed(error, asked) => (error, asked),
            };
            self.observer.unsent(reader.taken());
            failures += 1;
            self.pause(number, failures, error, asked)?;
            if failures % FAILURES_OF_A_URL != 0 && signed.is_live() {
                request = Some(signed);
            } else {
                self.requests.discard(number);
            }
        }
    }

    /// The parts to be sent next.
    fn coming(&self, most: usize) -> Vec<u32> {
        let tasks = lock(&self.state.tasks);
        let sends = tasks.iter().filter_map(|task| match task {
            Task::Send(number) => Some(*number),
            Task::Check(_) => None,
        });
        sends.take(most).collect()
    }

    fn corrupt(&self, number: u32, times: u32) -> Result<Error> {
        // What was stored by one PUT cannot be written over.
        if times > MOST_REFUSALS || self.ticket.part_size.is_none() {
            return Err(Error::Corrupt(format!("part {number}, {times} times")));
        }
        Ok(broken("the bytes were damaged on their way"))
    }

    /// Storage knows nothing of this multipart upload: whatever ended it is in the upload's state.
    fn no_such_upload(&self) -> Ending {
        self.ended(Error::Ended {
            code: "upload_expired".into(),
            detail: "storage has forgotten its parts".into(),
        })
    }

    /// What the upload has come to, or `otherwise` where it is pending still.
    pub(crate) fn ended(&self, otherwise: Error) -> Ending {
        match self.api.upload(&self.ticket.id) {
            Ok(upload) if upload.status == Status::Pending => otherwise.into(),
            Ok(upload) => over(upload),
            Err(error) => error.into(),
        }
    }
}

fn broken(why: &'static str) -> Error {
    Error::Network { doing: "sending", source: std::io::Error::other(why) }
}

/// What an upload that is not pending has come to.
pub(crate) fn over(upload: Upload) -> Ending {
    let detail = |upload: &Upload| format!("it is {}", upload.status.as_str());
    match (upload.status, upload.file) {
        (Status::Ready, Some(file)) => Ending::File(Box::new(file)),
        (Status::Rejected, _) => {
            let code = upload.reason.unwrap_or_else(|| "rejected".into());
            Error::Rejected { detail: format!("what arrived was not what was granted ({code})"), code }.into()
        }
        (status, file) => {
            let upload = Upload { file, reason: None, ..upload };
            Error::Ended { code: status.as_str().into(), detail: detail(&upload) }.into()
        }
    }
}
