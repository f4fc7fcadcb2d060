//! `valet get`: downloads a file from the CDN and compares it with its record.
//!
//! A download that broke off goes on where it was. What is not right never gets the name that was asked for.

use crate::connect::{Connection, config};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::text::tame;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::Agent;
use valet_client::Stop;

const CHUNK_BYTES: usize = 256 << 10;
/// Failures in a row without a byte in between.
const TRIES: u32 = 6;
const BAR: &str =
    "{msg}  {wide_bar:.green}  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";

/// What `valet get` takes.
#[derive(Args)]
pub(crate) struct GetArgs {
    /// The file's id
    id: String,
    /// Where to; - for standard output. Unless given, the file's own name in this folder
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Downloads, verifies, and only then names it.
pub(crate) fn run(
    args: &GetArgs,
    connection: &Connection,
    output: &Output,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let file = connection.api()?.file(&args.id)?;
    let agent: Agent = config(connection.ca_file.as_deref())?
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .build()
        .into();
    let download = Download { agent, file: &file, output, stop };
    if args.output.as_deref() == Some(Path::new("-")) {
        return download
            .to(&mut io::stdout().lock(), 0)
            .and_then(|seen| seen.verified(&file))
            .map(|()| Exit::Ok);
    }
    let target = args.output.clone().unwrap_or_else(|| own_name(&file));
    if target.exists() && !args.force {
        let text = format!(
            "{} is there already; use -o, or --force to replace it",
            tame(&target.display().to_string())
        );
        return Err(Failure::new(Exit::Failed, text));
    }
    let partial = PathBuf::from(format!("{}.{}.part", target.display(), args.id));
    download.to_file(&partial)?;
    fs::rename(&partial, &target).map_err(|error| unwritable(&target, &error))?;
    output.line(&tame(&target.display().to_string()));
    Ok(Exit::Ok)
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot write {}: {error}", tame(&path.display().to_string())))
}

/// The last step of the file's name, as long as that is a name and no way elsewhere.
fn own_name(file: &valet_client::File) -> PathBuf {
    let last = file.filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String =
        tame(last).trim_start_matches('.').chars().filter(|char| *char != '\u{fffd}').collect();
    PathBuf::from(if name.trim().is_empty() { file.id.clone() } else { name })
}

/// What has come by.
struct Seen {
    bytes: u64,
    crc: Crc,
    sha256: Sha256,
}

impl Seen {
    fn nothing() -> Self {
        Self { bytes: 0, crc: Crc::new(CrcAlgorithm::Crc64Nvme), sha256: Sha256::new() }
    }

    fn see(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        self.crc.update(chunk);
        self.sha256.update(chunk);
    }

    /// Fails unless it is what the record says.
    fn verified(self, file: &valet_client::File) -> Result<(), Failure> {
        let wrong = |what: &str| {
            Err(Failure::new(Exit::Failed, format!("what came is not the file: its {what} differs")))
        };
        if self.bytes != file.size {
            return wrong("size");
        }
        let recorded = file.checksum.clone().unwrap_or_default();
        if recorded.crc64nvme.is_some_and(|crc| crc != STANDARD.encode(self.crc.finalize().to_be_bytes())) {
            return wrong("CRC64NVME");
        }
        if recorded.sha256.is_some_and(|hash| hash != STANDARD.encode(self.sha256.finalize())) {
            return wrong("SHA-256");
        }
        Ok(())
    }
}

struct Download<'a> {
    agent: Agent,
    file: &'a valet_client::File,
    output: &'a Output,
    stop: &'a Stop,
}

impl Download<'_> {
    /// Fills a partial file up and verifies all of it.
    fn to_file(&self, partial: &Path) -> Result<(), Failure> {
        let failed = |error: &io::Error| unwritable(partial, error);
        let mut into = OpenOptions::new()
            .read(true)
            .create(true)
            .append(true)
            .open(partial)
            .map_err(|error| failed(&error))?;
        let mut have = into.metadata().map_err(|error| failed(&error))?.len();
        if have > self.file.size {
            into.set_len(0).map_err(|error| failed(&error))?;
            have = 0;
        }
        if have > 0 {
            self.output.note(&format!("going on after {}", crate::text::size(have)));
        }
        if have < self.file.size {
            self.to(&mut into, have)?;
        }
        let verified = whole(partial).map_err(|error| failed(&error))?.verified(self.file);
        if verified.is_err() {
            // Going on with it would never make it right.
            _ = fs::remove_file(partial);
        }
        verified
    }

    /// Writes the file from `have` on, however often the connection breaks.
    fn to(&self, into: &mut impl Write, have: u64) -> Result<Seen, Failure> {
        let hidden = self.output.quiet || !io::stderr().is_terminal();
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(self.file.size), target);
        bar.set_style(ProgressStyle::with_template(BAR).expect("a literal template").progress_chars("━╸ "));
        bar.set_message(tame(&self.file.filename));
        bar.set_position(have);
        bar.reset_eta();
        let mut seen = Seen::nothing();
        let mut failures = 0;
        loop {
            let before = seen.bytes;
            let broke = match self.stream(into, have, &mut seen, &bar) {
                Ok(()) => break,
                Err(Broke::ForGood(failure)) => return Err(failure),
                Err(Broke::Network(why)) => why,
            };
            failures = if seen.bytes > before { 1 } else { failures + 1 };
            if failures >= TRIES {
                return Err(Failure::new(
                    Exit::GaveUp,
                    format!("the CDN gives no more: {broke}; the same command goes on"),
                ));
            }
            if self.stop.wait(Duration::from_millis(300) * 2_u32.pow(failures)) {
                return Err(interrupted());
            }
        }
        bar.finish_and_clear();
        Ok(seen)
    }

    /// One request, and everything it brings.
    fn stream(
        &self,
        into: &mut impl Write,
        have: u64,
        seen: &mut Seen,
        bar: &ProgressBar,
    ) -> Result<(), Broke> {
        let from = have + seen.bytes;
        if from >= self.file.size {
            return Ok(());
        }
        let mut request = self.agent.get(&self.file.file_url);
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let mut response = request.call().map_err(|_| Broke::Network("no answer".into()))?;
        match response.status().as_u16() {
            200 if from == 0 => {}
            206 => {}
            status @ (429 | 500..) => return Err(Broke::Network(status.to_string())),
            200 => return Err(failed("the CDN gives no ranges; remove the .part file to begin again")),
            status @ (403 | 404) => {
                return Err(Broke::ForGood(Failure::new(
                    Exit::NotFound,
                    format!("the CDN does not serve it ({status})"),
                )));
            }
            status => return Err(failed(&format!("the CDN answers {status}"))),
        }
        let mut body = response.body_mut().as_reader();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            if self.stop.is_stopped() {
                return Err(Broke::ForGood(interrupted()));
            }
            let count = match body.read(&mut chunk) {
                Ok(0) if have + seen.bytes < self.file.size => {
                    return Err(Broke::Network("it broke off".into()));
                }
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(_) => return Err(Broke::Network("it broke off".into())),
            };
            into.write_all(&chunk[..count]).map_err(|error| failed(&format!("cannot write: {error}")))?;
            seen.see(&chunk[..count]);
            bar.inc(count as u64);
        }
    }
}

enum Broke {
    Network(String),
    ForGood(Failure),
}

fn failed(text: &str) -> Broke {
    Broke::ForGood(Failure::new(Exit::Failed, text))
}

fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "interrupted; the same command goes on")
}

fn whole(path: &Path) -> io::Result<Seen> {
    let mut seen = Seen::nothing();
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(seen),
            count => seen.see(&chunk[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(name: &str) -> valet_client::File {
        let crc = "cc0jDNdKQqs=";
        serde_json::from_value(json!({"id": "01936f2e", "status": "ready", "filename": name, "contentType": "image/png", "size": 9,
            "checksum": {"crc64nvme": crc}, "fileUrl": "https://cdn.example/a", "createdAt": "2026-11-21T23:05:00Z"}))
        .unwrap()
    }

    #[test]
    fn a_name_leads_to_this_folder_alone() {
        for (name, path) in [
            ("cat.jpg", "cat.jpg"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\x.png", "x.png"),
            (".bashrc", "bashrc"),
            ("..", "01936f2e"),
            ("/", "01936f2e"),
            ("a/\x1b[2J\n", "[2J"),
            ("äöü.jpg", "äöü.jpg"),
        ] {
            assert_eq!(own_name(&file(name)), PathBuf::from(path), "{name:?}");
        }
    }

    #[test]
    fn other_bytes_are_not_the_file() {
        let seen = |content: &[u8]| {
            let mut seen = Seen::nothing();
            seen.see(content);
            seen
        };
        let mut record = file("a");
        let crc = seen(b"123456789").crc.finalize();
        // The catalogue's check value: https://reveng.sourceforge.io/crc-catalogue/all.htm
        assert_eq!(crc, 0xae8b_1486_0a79_9888);
        record.checksum.as_mut().unwrap().crc64nvme = Some(STANDARD.encode(crc.to_be_bytes()));
        assert!(seen(b"123456789").verified(&record).is_ok());
        assert!(seen(b"123456780").verified(&record).is_err());
        assert!(seen(b"12345678").verified(&record).is_err());
        record.checksum.as_mut().unwrap().sha256 = Some(STANDARD.encode([0; 32]));
        assert!(seen(b"123456789").verified(&record).is_err());
    }
}
