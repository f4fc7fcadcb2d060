//! Scans of sequential files, by ITU-T T.81 annex F, a row of MCUs at a time into pixels.
#![expect(clippy::inline_always, reason = "the loop over a scan is one function")]

use std::ops::Range;

use crate::Error;
use crate::bits::{Source, Window};
use crate::frame::Frame;
use crate::huffman::{AcTable, Damaged, DcTable};
use crate::idct::{Transform, places, wanted};
use crate::intervals::each_interval;
use crate::scan::Scan;
use crate::scans::Known;
use crate::upsample::Plane;

/// A block of every MCU of a scan.
struct Block<'a> {
    /// The component's place in the scan.
    part: usize,
    /// Where its first coefficient lies in a row of MCUs, and how far on in the next MCU.
    origin: usize,
    across: usize,
    side: usize,
    dc: &'a DcTable,
    ac: &'a AcTable,
}

/// A component's coefficients in a row of MCUs.
struct Row {
    /// Its place in the frame.
    component: usize,
    /// Pixels a side of its blocks.
    side: usize,
    transform: Transform,
    /// Line after line of blocks.
    coefficients: Vec<i16>,
    /// Coefficients of a line.
    line: usize,
    lines: usize,
}

/// Decodes a scan into the planes of its components.
pub(crate) fn decode(
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
    let (width, height) = if alone { frame.components[scan.parts[0].component].blocks } else { frame.mcus };
    let (mut blocks, mut rows) = (Vec::new(), Vec::new());
    for (number, (part, (dc, ac))) in scan.parts.iter().zip(&tables).enumerate() {
        let sampling = if alone { (1, 1) } else { frame.components[part.component].sampling };
        let side = planes[part.component].side;
        let line = width * sampling.0 * side * side;
        rows.push(Row {
            component: part.component,
            side,
            transform: known[part.component].transform(side),
            coefficients: vec![0; sampling.1 * line],
            line,
            lines: sampling.1,
        });
        for y in 0..sampling.1 {
            for x in 0..sampling.0 {
                let origin = y * line + x * side * side;
                blocks.push(Block { part: number, origin, across: sampling.0 * side * side, side, dc, ac });
            }
        }
    }
    let mut at = 0;
    each_interval(file, scan, width * height, |source, window, mcus| {
        let _: Result<(), Damaged> =
            interval(source, window, mcus, width, |source, window, predictions, y, x| {
                if y != at {
                    write(&mut rows, at, planes);
                    at = y;
                }
                mcus_of_row(source, window, predictions, &blocks, &mut rows, x)
            });
    });
    write(&mut rows, at, planes);
    Ok(())
}

/// Goes through an interval row by row. Damage ends it.
fn interval(
    source: &mut Source<'_>,
    mut window: Window,
    mcus: Range<usize>,
    width: usize,
    mut row: impl FnMut(&mut Source<'_>, Window, &mut [i32; 4], usize, Range<usize>) -> Result<Window, Damaged>,
) -> Result<(), Damaged> {
    let mut predictions = [0; 4];
    let mut at = mcus.start;
    while at < mcus.end {
        let (y, x) = (at / width, at % width);
        let end = width.min(x + mcus.end - at);
        window = row(source, window, &mut predictions, y, x..end)?;
        at += end - x;
    }
    Ok(())
}

fn mcus_of_row(
    source: &mut Source<'_>,
    mut window: Window,
    predictions: &mut [i32; 4],
    blocks: &[Block<'_>],
    rows: &mut [Row],
    mcus: Range<usize>,
) -> Result<Window, Damaged> {
    for x in mcus {
        window = source.ensure(window);
        let bytes = source.bytes();
        for block in blocks {
            let coefficients = rows[block.part].coefficients.get_mut(block.origin + x * block.across..);
            let coefficients = coefficients.unwrap_or_default();
            let prediction = &mut predictions[block.part];
            match block.side {
                1 => self::block::<1, 1>(block, &mut window, bytes, prediction, coefficients),
                2 => self::block::<2, 4>(block, &mut window, bytes, prediction, coefficients),
                _ => self::block::<4, 16>(block, &mut window, bytes, prediction, coefficients),
            }?;
        }
        if source.overrun(window) {
            return Err(Damaged);
        }
    }
    Ok(window)
}

/// Decodes a block, of which `COUNT`, the square of `SIDE`, coefficients are kept.
#[inline(always)]
fn block<const SIDE: usize, const COUNT: usize>(
    block: &Block<'_>,
    window: &mut Window,
    bytes: &[u8],
    prediction: &mut i32,
    coefficients: &mut [i16],
) -> Result<(), Damaged> {
    let places = const { &places(SIDE) };
    let last = const { 63 - wanted(SIDE).leading_zeros() as usize };
    let coefficients = coefficients.first_chunk_mut::<COUNT>().ok_or(Damaged)?;
    window.fill(bytes);
    *prediction = prediction.wrapping_add(block.dc.difference(window)?);
    let rest = block.ac.low(window, bytes, last, places, coefficients);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what does not fit is damage, and any value is as good"
    )]
    let first = *prediction as i16;
    coefficients[0] = first;
    match rest? {
        at if at < 64 => block.ac.skip(window, bytes, at),
        _ => Ok(()),
    }
}

/// Makes pixels of a row of MCUs and clears it for another one.
fn write(rows: &mut [Row], y: usize, planes: &mut [Plane]) {
    for row in rows {
        let plane = &mut planes[row.component];
        let first = y * row.lines * row.side * plane.stride;
        let lines =
            plane.pixels.get_mut(first..).unwrap_or_default().chunks_exact_mut(row.side * plane.stride);
        for (blocks, pixels) in row.coefficients.chunks_exact(row.line).zip(lines) {
            row.transform.write(blocks, pixels, plane.stride);
        }
        row.coefficients.fill(0);
    }
}
