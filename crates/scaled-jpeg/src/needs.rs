//! When a file that is still arriving has all that a scale needs; never holds any of it.

use crate::Error;
use crate::scans::Scans;

/// What a scale needs of a file. It borrows nothing: the file may go on growing.
///
/// ```
/// use scaled_jpeg::{Decoder, Error, Jpeg, Scale};
///
/// # fn read(file: &mut Vec<u8>, mut more: impl FnMut(&mut Vec<u8>)) -> Result<(), Error> {
/// let mut needs = loop {
///     match Jpeg::read(file) {
///         Err(Error::Truncated) => more(file),
///         jpeg => break jpeg?.needs(Scale::Eighth),
///     }
/// };
/// while !needs.met_by(file) {
///     more(file);
/// }
/// let decoder: Decoder<'_> = Jpeg::read(file)?.decoder(Scale::Eighth).of_prefix();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Needs {
    scans: Scans,
    met: bool,
}

impl Needs {
    pub(crate) fn new(scans: Scans) -> Self {
        Self { scans, met: false }
    }

    /// Whether nothing further is needed: every scan that the scale needs is there to its end, which is the next
    /// marker, or decoding fails whatever follows.
    ///
    /// Takes the whole file as far as it has arrived, each time the same one, and looks only at what is new.
    /// Of a sequential file, which tells every coefficient of a block at once, that is all but what follows the
    /// last component's data; of a progressive one, a part that shrinks with the scale.
    pub fn met_by(&mut self, file_so_far: &[u8]) -> bool {
        self.met = self.met || self.scans.read_needed(file_so_far) != Err(Error::Truncated);
        self.met
    }
}
