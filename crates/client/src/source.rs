//! The file that is uploaded, opened once and never mapped: a file that shrinks is an error, not a signal.

use crate::error::{Error, Result};
use crate::ticket::Ticket;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A regular file, and what it was like when it was opened.
#[derive(Debug)]
pub struct Source {
    file: File,
    path: PathBuf,
    identity: Identity,
}

/// What tells a changed file. All from one `fstat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified_ns: i128,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified_ns: i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
        }
    }
}

impl Source {
    /// Opens a regular file.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let failed = |source| Error::Source { path: path.clone(), source };
        let file = File::open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
        }
        Ok(Self { file, path, identity: Identity::of(&metadata) })
    }

    /// As it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// In bytes, when it was opened.
    pub fn size(&self) -> u64 {
        self.identity.size
    }

    /// When it was last changed, in nanoseconds since 1970, when it was opened.
    pub fn modified_ns(&self) -> i128 {
        self.identity.modified_ns
    }

    /// Fails unless this is the file of the ticket, unchanged.
    pub(crate) fn is_of(&self, ticket: &Ticket) -> Result<()> {
        if self.size() != ticket.size {
            return Err(Error::FileChanged(format!("{} bytes instead of {}", self.size(), ticket.size)));
        }
        if self.modified_ns() != ticket.modified_ns {
            return Err(Error::FileChanged("it was written to since the upload began".into()));
        }
        Ok(())
    }

    /// Fails if the file is no longer what it was when it was opened.
    pub(crate) fn is_unchanged(&self) -> Result<()> {
        let metadata = self.file.metadata().map_err(|error| self.unreadable(error))?;
        let now = Identity::of(&metadata);
        if now == self.identity {
            Ok(())
        } else if now.size != self.identity.size {
            Err(Error::FileChanged(format!("{} bytes instead of {}", now.size, self.identity.size)))
        } else {
            Err(Error::FileChanged("it was written to during the upload".into()))
        }
    }

    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    pub(crate) fn unreadable(&self, source: io::Error) -> Error {
        Error::Source { path: self.path.clone(), source }
    }
}
