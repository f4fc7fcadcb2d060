//! Scans of sequential files, by ITU-T T.81 annex F, straight into pixels.
#![expect(clippy::inline_always, reason = "the loop over a scan is one function for each scale")]

use crate::Error;
use crate::bits::{Source, Window};
use crate::frame::Frame;
use crate::huffman::{AcTable, Damaged, DcTable};
use crate::idct::{self, Low};
use crate::scan::Scan;
use crate::scans::Known;
use crate::tables::Quantization;
use crate::upsample::Plane;

/// A block of every MCU of a scan.
struct Block<'a> {
    /// The component's place in the scan.
    part: usize,
    plane: usize,
    /// Where its first pixel lies in the first MCU, and how far on in the next one across and down.
    origin: usize,
    across: usize,
    down: usize,
    dc: &'a DcTable,
    ac: &'a AcTable,
    quantization: &'a Quantization,
}

/// Decodes a scan into the planes of its components, `SIDE` pixels a side for each block.
pub(crate) fn decode<const SIDE: usize>(
    file: &[u8],
    frame: &Frame,
    scan: &Scan,
    known: &[Known],
    planes: &mut [Plane],
) -> Result<(), Error> {
    let tables = scan.parts.iter().map(|part| {
        let dc = DcTable::new(scan.tables.dc(part.dc_table)?);
        let ac = AcTable::new(scan.tables.ac(part.ac_table)?);
        Ok((dc, ac))
    });
    let tables = tables.collect::<Result<Vec<_>, Error>>()?;
    let alone = scan.parts.len() == 1;
    let mut blocks = Vec::new();
    for (number, (part, (dc, ac))) in scan.parts.iter().zip(&tables).enumerate() {
        let sampling = if alone { (1, 1) } else { frame.components[part.component].sampling };
        let stride = planes[part.component].stride;
        let quantization = known[part.component]
            .quantization
            .as_deref()
            .ok_or(Error::Corrupt("no such quantization table"))?;
        for y in 0..sampling.1 {
            for x in 0..sampling.0 {
                blocks.push(Block {
                    part: number,
                    plane: part.component,
                    origin: SIDE * (y * stride + x),
                    across: SIDE * sampling.0,
                    down: SIDE * sampling.1 * stride,
                    dc,
                    ac,
                    quantization,
                });
            }
        }
    }
    let mcus = if alone { frame.components[scan.parts[0].component].blocks } else { frame.mcus };
    intervals::<SIDE>(file, scan, &blocks, mcus, planes);
    Ok(())
}

/// Decodes one restart interval after the other. Damage ends an interval, not the scan.
fn intervals<const SIDE: usize>(
    file: &[u8],
    scan: &Scan,
    blocks: &[Block<'_>],
    mcus: (usize, usize),
    planes: &mut [Plane],
) {
    let total = mcus.0 * mcus.1;
    let interval = if scan.tables.restart_interval == 0 { total } else { scan.tables.restart_interval };
    let (mut source, mut window) = Source::new(&file[scan.data.clone()]);
    let mut first = 0;
    loop {
        let end = total.min(first + interval);
        let _: Result<(), Damaged> =
            interval_of::<SIDE>(&mut source, window, blocks, (first, end), mcus.0, planes);
        first = end;
        if first == total {
            return;
        }
        match source.restart() {
            Some(next) => window = next,
            None => return,
        }
    }
}

fn interval_of<const SIDE: usize>(
    source: &mut Source<'_>,
    mut window: Window,
    blocks: &[Block<'_>],
    (first, end): (usize, usize),
    width: usize,
    planes: &mut [Plane],
) -> Result<(), Damaged> {
    let (mut x, mut y) = (first % width, first / width);
    let mut predictions = [0; 4];
    for _ in first..end {
        window = source.ensure(window);
        let bytes = source.bytes();
        for block in blocks {
            let at = block.origin + x * block.across + y * block.down;
            let plane = &mut planes[block.plane];
            let pixels = plane.pixels.get_mut(at..).unwrap_or_default();
            self::block::<SIDE>(
                block,
                &mut window,
                bytes,
                &mut predictions[block.part],
                pixels,
                plane.stride,
            )?;
        }
        if source.overrun(window) {
            return Err(Damaged);
        }
        x += 1;
        if x == width {
            (x, y) = (0, y + 1);
        }
    }
    Ok(())
}

#[inline(always)]
fn block<const SIDE: usize>(
    block: &Block<'_>,
    window: &mut Window,
    bytes: &[u8],
    prediction: &mut i32,
    pixels: &mut [u8],
    stride: usize,
) -> Result<(), Damaged> {
    let places = const { idct::places(SIDE) };
    let last = const { idct::last_wanted(SIDE) };
    window.fill(bytes);
    *prediction = prediction.wrapping_add(block.dc.difference(window)?);
    let mut low: Low = [0; 17];
    low[0] = idct::dequantized(*prediction, block.quantization[0]);
    let mut flat = true;
    let mut at = 1;
    while at <= last {
        window.fill(bytes);
        let coefficient = block.ac.coefficient(window)?;
        at += coefficient.zeros;
        if at <= last {
            low[usize::from(places[at])] = idct::dequantized(coefficient.value, block.quantization[at]);
            flat = false;
        }
        at += 1;
    }
    if at < 64 {
        block.ac.skip(window, bytes, at)?;
    }
    idct::write::<SIDE>(&low, flat, pixels, stride);
    Ok(())
}
