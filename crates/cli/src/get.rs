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
/// The most that one request asks for. CloudFront answers none with more than 50 GB:
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorS3Origin.html#ResponseS3MaxFileSize>.
/// At 1 GiB a request more costs no time that anyone notices.
const RANGE_BYTES: u64 = 1 << 30;
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
    let download = Download { agent, file: &file, range_bytes: RANGE_BYTES, output, stop };
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
    range_bytes: u64,
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
        while have + seen.bytes < self.file.size {
            let before = seen.bytes;
            let broke = match self.stream(into, have, &mut seen, &bar) {
                Ok(()) => {
                    failures = 0;
                    continue;
                }
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

    /// One request for the next range, and everything it brings.
    fn stream(
        &self,
        into: &mut impl Write,
        have: u64,
        seen: &mut Seen,
        bar: &ProgressBar,
    ) -> Result<(), Broke> {
        let from = have + seen.bytes;
        let end = self.file.size.min(from + self.range_bytes);
        let request =
            self.agent.get(&self.file.file_url).header("range", format!("bytes={from}-{}", end - 1));
        let mut response = request.call().map_err(|_| Broke::Network("no answer".into()))?;
        let end = match response.status().as_u16() {
            206 => end,
            // Who knows no ranges sends all of it, which is as good from the beginning.
            200 if from == 0 => self.file.size,
            status @ (429 | 500..) => return Err(Broke::Network(status.to_string())),
            200 => return Err(failed("the CDN gives no ranges; remove the .part file to begin again")),
            status @ (403 | 404) => {
                return Err(Broke::ForGood(Failure::new(
                    Exit::NotFound,
                    format!("the CDN does not serve it ({status})"),
                )));
            }
            status => return Err(failed(&format!("the CDN answers {status}"))),
        };
        let mut body = response.body_mut().as_reader();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            if self.stop.is_stopped() {
                return Err(Broke::ForGood(interrupted()));
            }
            let count = match body.read(&mut chunk) {
                Ok(0) if have + seen.bytes < end => {
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
#[path = "../tests/fake/http.rs"]
#[expect(dead_code, reason = "a download sends neither query nor body")]
mod http;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::{Arc, Mutex};

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

    const CONTENT: &[u8] = b"0123456789";

    /// Gets what is missing after the first `have` bytes, four at a time; what came, and what was asked for.
    fn in_fours(have: usize, knows_ranges: bool) -> (Vec<u8>, Vec<String>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let address = http::serve(move |_, request| {
            let range = request.header("range").to_owned();
            let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
            let part = &CONTENT[from.parse().ok()?..=to.parse().ok()?];
            noted.lock().unwrap().push(range);
            let (status, part) = if knows_ranges { (206, part) } else { (200, CONTENT) };
            Some(http::Response::new(status).with("content-type", "image/png").body(part))
        });
        let mut file = file("digits");
        file.size = CONTENT.len() as u64;
        file.file_url = format!("http://{address}/digits");
        let (output, stop) = (Output::new(true, false), Stop::new());
        let agent = Agent::new_with_defaults();
        let download = Download { agent, file: &file, range_bytes: 4, output: &output, stop: &stop };
        let mut into = Vec::new();
        let seen = download.to(&mut into, have as u64).unwrap_or_else(|failure| panic!("{}", failure.text));
        assert_eq!(seen.bytes, into.len() as u64);
        let asked = asked.lock().unwrap().clone();
        (into, asked)
    }

    #[test]
    fn a_file_larger_than_one_range_comes_in_several() {
        let (came, asked) = in_fours(0, true);
        assert_eq!(
            (&came[..], &asked[..]),
            (CONTENT, &["bytes=0-3", "bytes=4-7", "bytes=8-9"].map(String::from)[..])
        );
        let (came, asked) = in_fours(3, true);
        assert_eq!(
            (&came[..], &asked[..]),
            (&CONTENT[3..], &["bytes=3-6", "bytes=7-9"].map(String::from)[..])
        );
    }

    #[test]
    fn who_knows_no_ranges_is_asked_once() {
        let (came, asked) = in_fours(0, false);
        assert_eq!((&came[..], asked.len()), (CONTENT, 1));
    }
}
