//! One file on its way: begun or taken up again, and what is said and kept at its end.

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::progress::Progress;
use crate::spool::remove_if_spooled;
use crate::state::{Kept, State};
use crate::text::{size, tame};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;
use valet_client::{Api, Error, Options, Source, Stop, Uploaded};

/// What sending a file needs.
pub(crate) struct Sender<'a> {
    pub(crate) api: &'a Api,
    pub(crate) state: &'a State,
    pub(crate) output: &'a Output,
    pub(crate) stop: &'a Stop,
}

impl Sender<'_> {
    /// Uploads a file under a new grant.
    pub(crate) fn begin(&self, path: &Path, content_type: &str, options: &Options) -> Result<(), Failure> {
        let name = options.filename.clone().unwrap_or_else(|| path.display().to_string());
        self.go(path, &name, None, |source, progress| {
            valet_client::upload(self.api, source, content_type, options, progress, self.stop)
        })
    }

    /// Goes on with an upload.
    pub(crate) fn go_on(&self, kept: Kept, options: &Options) -> Result<(), Failure> {
        let ticket = kept.ticket.clone();
        let name = ticket.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.go(&ticket.path, &name, Some(kept), |source, progress| {
            valet_client::resume(self.api, &ticket, source, options, progress, self.stop)
        })
    }

    fn go(
        &self,
        path: &Path,
        name: &str,
        kept: Option<Kept>,
        run: impl FnOnce(&Source, &Progress) -> Result<Uploaded, Error>,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let source = match Source::open(path) {
            Ok(source) => source,
            Err(error) => return Err(self.failed(name, error, kept)),
        };
        let progress = Progress::new(self.output, self.state, name, source.size(), kept);
        let done = run(&source, &progress);
        let kept = progress.end();
        match done {
            Ok(uploaded) => {
                if let Some(kept) = kept {
                    kept.forget();
                }
                remove_if_spooled(self.state, path);
                self.tell(path, name, &uploaded, began);
                Ok(())
            }
            Err(error) => {
                if kept.is_none() {
                    remove_if_spooled(self.state, path);
                }
                Err(self.failed(name, error, kept))
            }
        }
    }

    fn tell(&self, path: &Path, name: &str, uploaded: &Uploaded, began: Instant) {
        let file = &uploaded.file;
        if self.output.json {
            let seconds = began.elapsed().as_secs_f64();
            self.output.json_line(&json!({
                "event": "done", "name": name, "path": path, "file": file, "sentBytes": uploaded.sent_bytes,
                "foundBytes": uploaded.found_bytes, "retries": uploaded.retries, "crc64nvme": uploaded.crc64nvme, "seconds": seconds,
            }));
            return;
        }
        if self.output.quiet {
            self.output.line(&tame(&file.file_url));
            return;
        }
        let seconds = began.elapsed().as_secs_f64();
        self.output.note(&format!("{}: {} in {seconds:.1} s", tame(name), size(file.size)));
        self.output.line(&format!("{}  {}", tame(&file.id), tame(&file.file_url)));
    }

    /// Keeps the ticket if going on makes sense, and says how.
    fn failed(&self, name: &str, error: Error, kept: Option<Kept>) -> Failure {
        let resumable = error.is_resumable() || matches!(error, Error::Source { .. } | Error::FileChanged(_));
        let changed = matches!(error, Error::FileChanged(_));
        let code = error.code().to_owned();
        let mut failure = Failure::from(error);
        failure.text = format!("{}: {}", tame(name), failure.text);
        let id = kept.as_ref().map(|kept| kept.ticket.id.clone());
        match kept {
            Some(kept) if !resumable => {
                remove_if_spooled(self.state, &kept.ticket.path);
                kept.forget();
            }
            Some(kept) if changed => {
                let path = quoted(&kept.ticket.path);
                _ = write!(failure.text, "\nStart anew with: valet upload --fresh {path}");
            }
            Some(kept) => _ = write!(failure.text, "\nGo on with: valet resume {}", kept.ticket.id),
            None => {}
        }
        if self.output.json {
            let id = id.filter(|_| resumable && !changed);
            self.output.json_line(&json!({
                "event": if failure.exit == Exit::Interrupted { "interrupted" } else { "failed" },
                "name": name, "resume": id, "code": code, "exitCode": failure.exit as u8,
            }));
        }
        failure
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = tame(&path.display().to_string());
    let plain = |char: char| char.is_alphanumeric() || "/._-+,:@".contains(char);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted(Path::new("/a/film-1.mp4")), "/a/film-1.mp4");
        assert_eq!(quoted(Path::new("/a/it's a film.mp4")), r"'/a/it'\''s a film.mp4'");
    }
}
