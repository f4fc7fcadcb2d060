//! A part as the HTTP client reads it: from the file straight into the client's buffer, with a CRC taken in passing. It never
//! holds a byte of the file itself.

use crate::crc::{Crc, RunningCrc};
use crate::error::Error;
use crate::observer::Observer;
use crate::source::Source;
use crate::stop::Stop;
use std::io::{self, Read};

/// Reads `left` bytes of a file from `offset` on.
pub(crate) struct PartReader<'a, O> {
    source: &'a Source,
    offset: u64,
    left: u64,
    taken: u64,
    crc: Option<RunningCrc>,
    halt: &'a Stop,
    observer: &'a O,
    fault: Option<Error>,
}

impl<'a, O: Observer> PartReader<'a, O> {
    /// A range of the file as `(offset, length)`. `observer` is told of every read.
    pub(crate) fn new(
        source: &'a Source,
        range: (u64, u64),
        checksum: bool,
        halt: &'a Stop,
        observer: &'a O,
    ) -> Self {
        let crc = checksum.then(RunningCrc::new);
        Self { source, offset: range.0, left: range.1, taken: 0, crc, halt, observer, fault: None }
    }

    /// How many bytes were read.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// How many are left to read.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Of what was read.
    pub(crate) fn crc(&self) -> Option<Crc> {
        self.crc.as_ref().map(RunningCrc::finish)
    }

    /// Why reading failed, if it was not the network that did.
    pub(crate) fn fault(&mut self) -> Option<Error> {
        self.fault.take()
    }

    fn fail<T>(&mut self, error: Error) -> io::Result<T> {
        self.fault = Some(error);
        Err(io::Error::other("the part cannot be read"))
    }
}

impl<O: Observer> Read for PartReader<'_, O> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.halt.is_stopped() {
            return self.fail(Error::Stopped(None));
        }
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let read = match self.source.read_at(&mut buffer[..wanted], self.offset) {
            Ok(0) => {
                let at = self.offset;
                return self.fail(Error::FileChanged(format!("it ends at byte {at} now")));
            }
            Ok(read) => read,
            Err(error) => return self.fail(self.source.unreadable(error)),
        };
        if let Some(crc) = &mut self.crc {
            crc.update(&buffer[..read]);
        }
        let bytes = read as u64;
        self.offset += bytes;
        self.left -= bytes;
        self.taken += bytes;
        self.observer.sent(bytes);
        Ok(read)
    }
}
