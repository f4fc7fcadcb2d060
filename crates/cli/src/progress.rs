//! What is shown while a file travels: a bar on a terminal, a line now and then elsewhere, or JSON.
//!
//! Nothing of a signed request comes here: the client does not tell of any.

use crate::output::Output;
use crate::state::{Kept, State};
use crate::text::{size, tame};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use valet_client::{Error, Observer, Ticket};

const BAR: &str =
    "{msg}  {wide_bar:.green}  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";
const VERIFYING: &str = "{msg}  {spinner} stored, being verified";
const LINE_EVERY: Duration = Duration::from_secs(10);
const JSON_EVERY: Duration = Duration::from_secs(1);
const LONGEST_NAME: usize = 32;

/// Watches one upload, keeps its ticket and shows how far it is.
pub(crate) struct Progress<'a> {
    output: &'a Output,
    state: &'a State,
    name: String,
    total: u64,
    bar: ProgressBar,
    began: Instant,
    done: AtomicU64,
    found: AtomicU64,
    told: Mutex<Instant>,
    kept: Mutex<Option<Kept>>,
}

impl<'a> Progress<'a> {
    /// `kept` is the ticket of an upload that goes on.
    pub(crate) fn new(
        output: &'a Output,
        state: &'a State,
        name: &str,
        total: u64,
        kept: Option<Kept>,
    ) -> Self {
        let silent = output.quiet || output.json || !io::stderr().is_terminal();
        let target = if silent { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        bar.set_style(ProgressStyle::with_template(BAR).expect("a literal template").progress_chars("━╸ "));
        let name = tame(name);
        bar.set_message(shortened(&name));
        bar.enable_steady_tick(Duration::from_millis(200));
        let began = Instant::now();
        Self {
            output,
            state,
            name,
            total,
            bar,
            began,
            done: AtomicU64::new(0),
            found: AtomicU64::new(0),
            told: Mutex::new(began),
            kept: Mutex::new(kept),
        }
    }

    /// Prints above the bar.
    pub(crate) fn note(&self, text: &str) {
        self.bar.suspend(|| self.output.note(text));
    }

    /// Takes the bar away; returns the ticket that is still kept.
    pub(crate) fn end(self) -> Option<Kept> {
        self.bar.finish_and_clear();
        self.kept.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn event(&self, event: &serde_json::Value) {
        if self.output.json {
            self.output.json_line(event);
        }
    }

    fn tell(&self) {
        let every = if self.output.json { JSON_EVERY } else { LINE_EVERY };
        // Whoever finds it locked leaves the telling to the other.
        let Ok(mut told) = self.told.try_lock() else { return };
        if told.elapsed() < every {
            return;
        }
        *told = Instant::now();
        let done = self.done.load(Ordering::Relaxed).min(self.total);
        if self.output.json {
            self.event(&json!({"event": "progress", "name": self.name, "bytes": done, "size": self.total}));
        } else if self.bar.is_hidden() {
            self.output.note(&self.line(done));
        }
    }

    fn line(&self, done: u64) -> String {
        let sent = done.saturating_sub(self.found.load(Ordering::Relaxed));
        let rate = u128::from(sent) * 1000 / self.began.elapsed().as_millis().max(1);
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        let percent = u128::from(done) * 100 / u128::from(self.total.max(1));
        let left = (self.total - done)
            .checked_div(rate)
            .map_or("?".into(), |seconds| indicatif::HumanDuration(Duration::from_secs(seconds)).to_string());
        format!("{}: {percent} % of {}, {}/s, {left} left", self.name, size(self.total), size(rate))
    }
}

impl Observer for Progress<'_> {
    fn granted(&self, ticket: &Ticket) {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.is_none() {
            match self.state.keep(ticket) {
                Ok(ticket) => *kept = Some(ticket),
                Err(failure) => self.note(&format!("{}; this upload could not be resumed", failure.text)),
            }
        }
        self.event(&json!({"event": "granted", "name": self.name, "id": ticket.id, "size": ticket.size, "partSize": ticket.part_size}));
    }

    fn waiting(&self, error: &Error, delay: Duration) {
        let seconds = delay.as_secs_f32();
        self.event(
            &json!({"event": "waiting", "name": self.name, "code": error.code(), "delaySeconds": seconds}),
        );
        if !self.output.json {
            self.note(&format!(
                "{}: waiting {seconds:.0} s for room: {}",
                self.name,
                tame(&error.to_string())
            ));
        }
    }

    fn sent(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(bytes);
        self.tell();
    }

    fn unsent(&self, bytes: u64) {
        self.done.fetch_sub(bytes, Ordering::Relaxed);
        self.bar.dec(bytes);
    }

    fn found(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.found.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(bytes);
        // What was there before says nothing about how fast it goes on.
        self.bar.reset_eta();
    }

    fn retrying(&self, part_number: u32, error: &Error, delay: Duration) {
        let seconds = delay.as_secs_f32();
        self.event(&json!({"event": "retrying", "name": self.name, "partNumber": part_number, "code": error.code(), "delaySeconds": seconds}));
        if !self.output.json {
            self.note(&format!(
                "{}: part {part_number} again in {seconds:.1} s: {}",
                self.name,
                tame(&error.to_string())
            ));
        }
    }

    fn confirming(&self) {
        self.event(&json!({"event": "confirming", "name": self.name}));
        // From here on no byte travels, and a rate would only fall.
        self.bar.set_style(ProgressStyle::with_template(VERIFYING).expect("a literal template"));
    }
}

/// The end of a long name, which tells files of one folder apart.
fn shortened(name: &str) -> String {
    let count = name.chars().count();
    if count <= LONGEST_NAME {
        return name.into();
    }
    format!("…{}", name.chars().skip(count - LONGEST_NAME + 1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_end() {
        assert_eq!(shortened("short.jpg"), "short.jpg");
        let long = shortened(&format!("{}/holiday-ü-0042.jpg", "x".repeat(50)));
        assert_eq!((long.chars().count(), long.ends_with("/holiday-ü-0042.jpg")), (LONGEST_NAME, true));
    }
}
