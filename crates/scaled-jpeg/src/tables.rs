//! The tables in force while a file is read through, by ITU-T T.81 sections B.2.4.1, B.2.4.2 and B.2.4.4.

use std::sync::Arc;

use crate::Error;
use crate::huffman::Codes;
use crate::segments::{DHT, DQT, DRI, Segment};

/// Quantization steps in zigzag order, as they are stored.
pub(crate) type Quantization = [u16; 64];

/// The tables in force.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    quantization: [Option<Arc<Quantization>>; 4],
    dc: [Option<Specified>; 4],
    ac: [Option<Specified>; 4],
    /// MCUs from one restart marker to the next, or 0.
    pub(crate) restart_interval: usize,
}

/// Codes as a DHT segment specifies them. They are worked out only for the scans that are decoded: that costs a
/// thousand times what the segment takes in a file.
#[derive(Debug, Clone)]
struct Specified {
    counts: [u8; 16],
    symbols: Arc<[u8]>,
}

impl Tables {
    /// Takes in a segment if it defines tables.
    pub(crate) fn add(&mut self, segment: Segment<'_>) -> Result<(), Error> {
        match segment.marker {
            DQT => self.add_quantization(segment.payload),
            DHT => self.add_codes(segment.payload),
            DRI => {
                let interval =
                    segment.payload.first_chunk().ok_or(Error::Corrupt("an empty restart interval"))?;
                self.restart_interval = usize::from(u16::from_be_bytes(*interval));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_quantization(&mut self, mut payload: &[u8]) -> Result<(), Error> {
        const EARLY: Error = Error::Corrupt("a quantization table that ends early");
        while let Some((&which, rest)) = payload.split_first() {
            let slot = self.quantization.get_mut(usize::from(which & 15));
            let slot = slot.ok_or(Error::Corrupt("a quantization table's number"))?;
            let mut steps = [0; 64];
            if which >> 4 == 0 {
                let (bytes, rest) = rest.split_first_chunk::<64>().ok_or(EARLY)?;
                steps = bytes.map(u16::from);
                payload = rest;
            } else {
                let (bytes, rest) = rest.split_first_chunk::<128>().ok_or(EARLY)?;
                for (step, pair) in steps.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *step = u16::from_be_bytes(*pair);
                }
                payload = rest;
            }
            *slot = Some(Arc::new(steps));
        }
        Ok(())
    }

    fn add_codes(&mut self, mut payload: &[u8]) -> Result<(), Error> {
        const EARLY: Error = Error::Corrupt("a Huffman table that ends early");
        while let Some((&which, rest)) = payload.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(EARLY)?;
            let total = counts.iter().copied().map(usize::from).sum();
            let (symbols, rest) = rest.split_at_checked(total).ok_or(EARLY)?;
            let class = match which >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(Error::Corrupt("a Huffman table's class")),
            };
            let slot =
                class.get_mut(usize::from(which & 15)).ok_or(Error::Corrupt("a Huffman table's number"))?;
            *slot = Some(Specified { counts: *counts, symbols: symbols.into() });
            payload = rest;
        }
        Ok(())
    }

    pub(crate) fn quantization(&self, number: usize) -> Result<Arc<Quantization>, Error> {
        let steps = self.quantization.get(number).and_then(Option::as_ref);
        steps.cloned().ok_or(Error::Corrupt("no such quantization table"))
    }

    pub(crate) fn dc(&self, number: usize) -> Result<Codes, Error> {
        Specified::codes(self.dc.get(number))
    }

    pub(crate) fn ac(&self, number: usize) -> Result<Codes, Error> {
        Specified::codes(self.ac.get(number))
    }
}

impl Specified {
    fn codes(specified: Option<&Option<Self>>) -> Result<Codes, Error> {
        let specified = specified.and_then(Option::as_ref).ok_or(Error::Corrupt("no such Huffman table"))?;
        Codes::new(specified.counts, &specified.symbols)
    }
}
