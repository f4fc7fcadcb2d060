//! What is remembered of uploads under way: one file an upload, holding its ticket. Never a URL, a token or a name of a part.
//!
//! How far an upload has come is not written here: storage knows.

use crate::failure::{Exit, Failure};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use valet_client::Ticket;

/// The folder of tickets.
pub(crate) struct State {
    folder: PathBuf,
}

/// A ticket that this process works on, and no other one at the same time.
pub(crate) struct Kept {
    pub(crate) ticket: Ticket,
    path: PathBuf,
    /// The lock is this file's.
    _lock: File,
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot {what} {}: {error}", path.display()))
}

impl State {
    /// The folder, which is made if it is missing; for its owner alone.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, Failure> {
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|error| failed("make", &folder, &error))?;
        Ok(Self { folder })
    }

    /// Where standard input is kept while it is uploaded.
    pub(crate) fn spool(&self) -> PathBuf {
        self.folder.join("spool")
    }

    /// Every ticket, oldest first. What cannot be read is left alone.
    pub(crate) fn tickets(&self) -> Result<Vec<Ticket>, Failure> {
        let listed = fs::read_dir(&self.folder).map_err(|error| failed("read", &self.folder, &error))?;
        let paths = listed
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "json"));
        let read = |path: PathBuf| serde_json::from_slice::<Ticket>(&fs::read(path).ok()?).ok();
        let mut tickets: Vec<Ticket> = paths.filter_map(read).collect();
        // Ids are of version 7: they sort by time.
        tickets.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(tickets)
    }

    /// Writes a ticket down, all of it or nothing, and locks it.
    pub(crate) fn keep(&self, ticket: &Ticket) -> Result<Kept, Failure> {
        let path = self.path_of(&ticket.id)?;
        let staging = path.with_extension("tmp");
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&staging)?;
            file.write_all(&serde_json::to_vec_pretty(ticket)?)?;
            file.sync_all()?;
            fs::rename(&staging, &path)
        };
        write().map_err(|error| failed("write", &path, &error))?;
        self.take(ticket)?.ok_or_else(|| Failure::new(Exit::Failed, "another process has taken this upload"))
    }

    /// Locks a ticket, or nothing if another process works on it.
    pub(crate) fn take(&self, ticket: &Ticket) -> Result<Option<Kept>, Failure> {
        let path = self.path_of(&ticket.id)?;
        let file = File::open(&path).map_err(|error| failed("read", &path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Kept { ticket: ticket.clone(), path, _lock: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed("lock", &path, &error)),
        }
    }

    /// Forgets an upload. Nothing happens if it is not known.
    pub(crate) fn forget(&self, id: &str) {
        if let Ok(path) = self.path_of(id) {
            _ = fs::remove_file(path);
        }
    }

    /// The id comes from a server or a command line, so it must not lead elsewhere.
    fn path_of(&self, id: &str) -> Result<PathBuf, Failure> {
        let plain = !id.is_empty()
            && id.len() <= 64
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if plain {
            Ok(self.folder.join(format!("{id}.json")))
        } else {
            Err(Failure::new(Exit::Failed, "the upload's id is none"))
        }
    }
}

impl Kept {
    /// The upload is over: nothing is left to resume.
    pub(crate) fn forget(self) {
        _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn ticket(id: &str) -> Ticket {
        Ticket {
            id: id.into(),
            base_url: "https://api.example".into(),
            path: "/film.mp4".into(),
            size: 7,
            modified_ns: 1,
            part_size: None,
        }
    }

    fn state() -> State {
        State::open(std::env::temp_dir().join(format!("valet-test-{}", uuid::Uuid::now_v7()))).unwrap()
    }

    #[test]
    fn a_ticket_is_kept_for_its_owner_alone_and_forgotten() {
        let state = state();
        let kept = state.keep(&ticket("01936f2e-b")).unwrap();
        assert_eq!(kept.path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(state.folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        state.keep(&ticket("01936f2e-a")).unwrap();
        assert_eq!(state.tickets().unwrap(), [ticket("01936f2e-a"), ticket("01936f2e-b")]);
        kept.forget();
        state.forget("01936f2e-a");
        assert_eq!(state.tickets().unwrap(), []);
        assert_eq!(fs::read_dir(&state.folder).unwrap().count(), 0);
    }

    #[test]
    fn one_process_at_a_time_works_on_a_ticket() {
        let state = state();
        let kept = state.keep(&ticket("a")).unwrap();
        assert!(state.take(&ticket("a")).unwrap().is_none());
        drop(kept);
        assert!(state.take(&ticket("a")).unwrap().is_some());
    }

    #[test]
    fn an_id_leads_nowhere_else() {
        let state = state();
        for id in ["", "../../.bashrc", "a/b", "a.b", "\0"] {
            assert!(state.keep(&ticket(id)).is_err(), "{id:?}");
        }
    }

    #[test]
    fn a_broken_file_is_passed_over() {
        let state = state();
        fs::write(state.folder.join("x.json"), "{").unwrap();
        assert_eq!(state.tickets().unwrap(), []);
    }
}
