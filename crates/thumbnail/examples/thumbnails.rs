//! Makes thumbnails as a process that is told over standard input what to make: our side of
//! `make bench-thumbnails`; never measures anything itself.
//!
//! A command is a line, its words are separated by tabs, and each is answered with a line that begins with `ok` or
//! `error`: `read FILE`, `make VARIANTS`, `write FOLDER` (of what was made last), and `arrive VARIANTS`, which answers
//! how many bytes of the file had come when nothing further was needed.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::{fs, iter};

use valet_thumbnail::{Job, Limits, Made, Progress, Variants, make};

/// What the function gets of S3 at a time.
const CHUNK: usize = 64 << 10;

fn main() -> io::Result<()> {
    let mut bench = Bench::default();
    let mut answers = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        match bench.obey(&line?) {
            Ok(answer) => writeln!(answers, "ok\t{answer}")?,
            Err(why) => writeln!(answers, "error\t{why}")?,
        }
        answers.flush()?;
    }
    Ok(())
}

/// The file that was read last and what was made last.
#[derive(Default)]
struct Bench {
    file: Vec<u8>,
    made: Option<Made>,
}

impl Bench {
    fn obey(&mut self, line: &str) -> Result<String, String> {
        let mut words = line.split('\t');
        let mut word = || words.next().unwrap_or_default();
        match (word(), word()) {
            ("read", path) => {
                // The old one goes first: two at once would count as peak memory.
                self.file = Vec::new();
                self.file = fs::read(path).map_err(text)?;
                Ok(self.file.len().to_string())
            }
            ("make", variants) => {
                self.made = None;
                self.made = Some(make(&self.file, &parsed(variants)?, &Limits::DEFAULT).map_err(text)?);
                Ok(String::new())
            }
            ("write", folder) => {
                let made = self.made.as_ref().ok_or("nothing was made yet")?;
                for thumbnail in &made.thumbnails {
                    let name = format!("{}.{}", thumbnail.name, thumbnail.format.extension());
                    fs::write(Path::new(folder).join(name), &thumbnail.bytes).map_err(text)?;
                }
                Ok(String::new())
            }
            ("arrive", variants) => {
                let mut job = Job::new(parsed(variants)?, Limits::DEFAULT);
                let mut needed = 0;
                for chunk in self.file.chunks(CHUNK) {
                    needed += chunk.len();
                    if job.push(chunk) == Progress::Enough {
                        break;
                    }
                }
                job.finish().map_err(text)?;
                Ok(needed.to_string())
            }
            (command, _) => Err(format!("`{command}` is not a command")),
        }
    }
}

fn parsed(variants: &str) -> Result<Variants, String> {
    variants.parse().map_err(text)
}

/// The error and its sources in one line.
fn text(error: impl std::error::Error) -> String {
    let first: &dyn std::error::Error = &error;
    let chain: Vec<_> =
        iter::successors(Some(first), |error| error.source()).map(ToString::to_string).collect();
    chain.join(": ").replace(['\t', '\n'], " ")
}
