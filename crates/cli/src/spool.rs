//! Standard input as a file: a grant is for an exact size, and a resume reads again what storage has.

use crate::failure::{Exit, Failure};
use crate::state::State;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;
use valet_client::{Stop, Ticket};

const CHUNK_BYTES: usize = 1 << 20;

/// A spooled file. It stays until [`remove_if_spooled`].
pub(crate) struct Spooled {
    pub(crate) path: PathBuf,
    /// Locked, so that no other process takes it for forgotten.
    _file: File,
}

/// Reads everything there is into a file of its own.
pub(crate) fn spool(state: &State, mut input: impl Read, stop: &Stop) -> Result<Spooled, Failure> {
    let folder = state.spool();
    let failed = |error: &io::Error| {
        Failure::new(Exit::Failed, format!("cannot keep standard input in {}: {error}", folder.display()))
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| failed(&error))?;
    remove_forgotten(state)?;
    let path = folder.join(Uuid::now_v7().to_string());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| failed(&error))?;
    let mut copy = || -> io::Result<()> {
        file.try_lock()?;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match input.read(&mut chunk) {
                Ok(0) => return file.flush(),
                Ok(count) => file.write_all(&chunk[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if stop.is_stopped() {
                return Ok(());
            }
        }
    };
    let copied = copy();
    if stop.is_stopped() || copied.is_err() {
        _ = fs::remove_file(&path);
    }
    copied.map_err(|error| failed(&error))?;
    if stop.is_stopped() {
        return Err(Failure::new(Exit::Interrupted, "interrupted; nothing was uploaded"));
    }
    Ok(Spooled { path, _file: file })
}

/// Removes a file that was spooled. Nobody's own file is touched.
pub(crate) fn remove_if_spooled(state: &State, path: &Path) {
    if path.parent() == Some(&state.spool()) {
        _ = fs::remove_file(path);
    }
}

/// Removes what a process left that ended before there was a ticket.
fn remove_forgotten(state: &State) -> Result<(), Failure> {
    let wanted: Vec<PathBuf> = state.tickets()?.into_iter().map(|ticket: Ticket| ticket.path).collect();
    for entry in fs::read_dir(state.spool()).into_iter().flatten().flatten() {
        let path = entry.path();
        let free = || File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if !wanted.contains(&path) && free() {
            _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_becomes_a_file_and_what_was_forgotten_goes() {
        let folder = std::env::temp_dir().join(format!("valet-test-{}", Uuid::now_v7()));
        let state = State::open(folder.clone()).unwrap();
        let first = spool(&state, &b"first"[..], &Stop::new()).unwrap();
        assert_eq!(fs::read(&first.path).unwrap(), b"first");
        let second = spool(&state, &b"second"[..], &Stop::new()).unwrap();
        assert!(first.path.exists(), "somebody works on it");
        let forgotten = first.path.clone();
        drop(first);
        spool(&state, &b"third"[..], &Stop::new()).unwrap();
        assert!(!forgotten.exists());
        remove_if_spooled(&state, &second.path);
        assert!(!second.path.exists());
        let mine = folder.join("mine");
        fs::write(&mine, "mine").unwrap();
        remove_if_spooled(&state, &mine);
        assert!(mine.exists());
    }

    #[test]
    fn a_stop_leaves_nothing() {
        let state = State::open(std::env::temp_dir().join(format!("valet-test-{}", Uuid::now_v7()))).unwrap();
        let stop = Stop::new();
        stop.stop();
        assert!(spool(&state, &b"input"[..], &stop).is_err_and(|failure| failure.exit == Exit::Interrupted));
        assert_eq!(fs::read_dir(state.spool()).unwrap().count(), 0);
    }
}
