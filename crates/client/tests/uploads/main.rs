//! Uploads against a server that fails in every way there is. What counts is what the server has in the end, and how many
//! bytes it took to get there.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod api;
mod confirm;
mod fake;
mod faults;
mod file;
mod tls;
mod whole;

use fake::Fake;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use valet_client::{Error, Observer, Options, Result, Source, Stop, Ticket, Uploaded, resume, upload};

/// Of the fake's parts.
const PART: u64 = 64 << 10;
const PART_LENGTH: usize = 64 << 10;

/// A file that is gone with the test.
struct TestFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl TestFile {
    fn new(size: u64) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let path =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{serial}", std::process::id()));
        // Every eight bytes differ from all others.
        let bytes: Vec<u8> = (0..size.div_ceil(8))
            .flat_map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ serial).to_le_bytes())
            .take(usize::try_from(size).unwrap())
            .collect();
        fs::write(&path, &bytes).unwrap();
        Self { path, bytes }
    }

    fn source(&self) -> Source {
        Source::open(&self.path).unwrap()
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.path);
    }
}

/// Adds up what it is told, and does something when it has been told enough.
#[derive(Default)]
struct Watch {
    ticket: Mutex<Option<Ticket>>,
    sent: AtomicU64,
    unsent: AtomicU64,
    found: AtomicU64,
    done: Mutex<Vec<u32>>,
    retries: Mutex<Vec<String>>,
    delays: Mutex<Vec<Duration>>,
    waits: Mutex<Vec<(String, Duration)>>,
    on_part: Option<Box<dyn Fn(u32) + Sync>>,
}

impl Watch {
    fn on_part(does: impl Fn(u32) + Sync + 'static) -> Self {
        Self { on_part: Some(Box::new(does)), ..Self::default() }
    }

    fn ticket(&self) -> Ticket {
        self.ticket.lock().unwrap().clone().unwrap()
    }

    /// What a progress bar would show at the end.
    fn shown(&self) -> u64 {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        of(&self.sent) + of(&self.found) - of(&self.unsent)
    }
}

impl Observer for Watch {
    fn granted(&self, ticket: &Ticket) {
        *self.ticket.lock().unwrap() = Some(ticket.clone());
    }

    fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    fn unsent(&self, bytes: u64) {
        self.unsent.fetch_add(bytes, Ordering::Relaxed);
    }

    fn found(&self, bytes: u64) {
        self.found.fetch_add(bytes, Ordering::Relaxed);
    }

    fn part_done(&self, part_number: u32) {
        self.done.lock().unwrap().push(part_number);
        if let Some(does) = &self.on_part {
            does(part_number);
        }
    }

    fn waiting(&self, error: &Error, delay: Duration) {
        self.waits.lock().unwrap().push((error.code().to_owned(), delay));
    }

    fn retrying(&self, _: u32, error: &Error, delay: Duration) {
        self.delays.lock().unwrap().push(delay);
        self.retries.lock().unwrap().push(format!("{error} {error:?}"));
    }
}

fn options() -> Options {
    Options { parallel: 4, ..Options::default() }
}

fn run(fake: &Fake, file: &TestFile, watch: &Watch) -> Result<Uploaded> {
    upload(&fake.api(), &file.source(), "video/mp4", &options(), watch, &Stop::new())
}

fn run_again(fake: &Fake, file: &TestFile, ticket: &Ticket, watch: &Watch) -> Result<Uploaded> {
    resume(&fake.api(), ticket, &file.source(), &options(), watch, &Stop::new())
}
