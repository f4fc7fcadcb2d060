//! Scans of progressive files, by ITU-T T.81 annex G, into the coefficients that a scale needs.
#![expect(clippy::inline_always, reason = "called once a block")]

use std::ops::Range;

use crate::Error;
use crate::bits::{Source, Window};
use crate::frame::{Component, Frame};
use crate::huffman::{BandTable, Damaged, DcTable, Progressed};
use crate::idct::{places, wanted};
use crate::intervals::each_interval;
use crate::scan::Scan;
use crate::scans::{Known, band_bits};
use crate::upsample::Plane;

/// A component's coefficients, as far as they are known and wanted.
pub(crate) struct Coefficients {
    side: usize,
    first: Vec<i16>,
    /// `side` times `side` for each block, of which the first one is room for what is not wanted. Empty if only the
    /// first coefficient is wanted.
    others: Vec<i16>,
    /// For each block, which of all its coefficients are not zero. Empty likewise.
    nonzero: Vec<u64>,
}

impl Coefficients {
    /// Bytes that a block takes.
    pub(crate) const fn bytes_per_block(side: usize) -> u64 {
        let others = if side > 1 { side * side * size_of::<i16>() + size_of::<u64>() } else { 0 };
        (size_of::<i16>() + others) as u64
    }

    pub(crate) fn none(component: &Component, side: usize) -> Self {
        let blocks = component.stored_blocks();
        let others = if side > 1 { blocks } else { 0 };
        Self { side, first: vec![0; blocks], others: vec![0; others * side * side], nonzero: vec![0; others] }
    }

    /// A block's coefficients and which of them are not zero.
    #[inline(always)]
    fn block<const COUNT: usize>(&mut self, block: usize) -> Option<(&mut [i16; COUNT], &mut u64)> {
        let others = self.others.get_mut(block * COUNT..)?.first_chunk_mut::<COUNT>()?;
        Some((others, self.nonzero.get_mut(block)?))
    }

    /// The pixels of all blocks.
    pub(crate) fn write(mut self, known: &Known, plane: &mut Plane) {
        let count = self.side * self.side;
        if count > 1 {
            for (block, &first) in self.others.chunks_exact_mut(count).zip(&self.first) {
                block[0] = first;
            }
        }
        let blocks = if count > 1 { &mut self.others } else { &mut self.first };
        let (mut transform, open) = (known.transform(self.side), known.open(self.side));
        if open != [0; 16] {
            transform = transform.of_halves();
            for block in blocks.chunks_exact_mut(count) {
                to_the_middle(block, &open);
            }
        }
        let lines = blocks.chunks_exact(plane.stride * self.side);
        for (blocks, pixels) in lines.zip(plane.pixels.chunks_exact_mut(self.side * plane.stride)) {
            transform.write(blocks, pixels, plane.stride);
        }
    }
}

/// From steps to halves of them, and on to the middle of what bits not told leave open: upwards of the first
/// coefficient, away from zero of others that are not zero.
fn to_the_middle(block: &mut [i16], open: &[i16; 16]) {
    for (at, (value, &open)) in block.iter_mut().zip(open).enumerate() {
        let sign = if at == 0 { 1 } else { value.signum() };
        *value = value.saturating_mul(2).saturating_add(sign * open);
    }
}

/// Decodes a scan. Damage ends a restart interval, not the scan.
pub(crate) fn decode(
    file: &[u8],
    frame: &Frame,
    scan: &Scan,
    coefficients: &mut [Coefficients],
) -> Result<(), Error> {
    if scan.band.0 > 0 {
        let [part] = scan.parts[..] else { return Err(Error::Corrupt("a scan of an impossible band")) };
        let kept = &mut coefficients[part.component];
        let component = &frame.components[part.component];
        let codes = BandTable::new(scan.tables.ac(part.ac_table)?);
        match kept.side {
            2 => Band::<4>::of(scan, codes, component).decode(file, scan, kept),
            4 => Band::<16>::of(scan, codes, component).decode(file, scan, kept),
            _ => {}
        }
        return Ok(());
    }
    let pass = FirstPass::of(frame, scan)?;
    each_interval(file, scan, pass.width * pass.height, |source, window, mcus| {
        let _: Result<(), Damaged> = if scan.refines {
            pass.refine(source, window, mcus, scan.shift, coefficients)
        } else {
            pass.begin(source, window, mcus, scan.shift, coefficients)
        };
    });
    Ok(())
}

/// What a scan of first coefficients goes through, by section G.1.2.1.
struct FirstPass {
    width: usize,
    height: usize,
    blocks: Vec<Block>,
    /// A table for each component of the scan, if it does not refine.
    tables: Vec<DcTable>,
}

/// A block of every MCU of a scan: where it is among its component's blocks, and how far on in the next MCU.
struct Block {
    /// The component's place in the scan and in the frame.
    part: usize,
    component: usize,
    origin: usize,
    across: usize,
    down: usize,
}

impl FirstPass {
    fn of(frame: &Frame, scan: &Scan) -> Result<Self, Error> {
        let alone = scan.parts.len() == 1;
        let (width, height) =
            if alone { frame.components[scan.parts[0].component].blocks } else { frame.mcus };
        let (mut blocks, mut tables) = (Vec::new(), Vec::new());
        for (number, part) in scan.parts.iter().enumerate() {
            let component = &frame.components[part.component];
            let (h, v) = if alone { (1, 1) } else { component.sampling };
            for y in 0..v {
                for x in 0..h {
                    blocks.push(Block {
                        part: number,
                        component: part.component,
                        origin: y * component.stored.0 + x,
                        across: h,
                        down: v * component.stored.0,
                    });
                }
            }
            if !scan.refines {
                tables.push(DcTable::new(scan.tables.dc(part.dc_table)?));
            }
        }
        Ok(Self { width, height, blocks, tables })
    }

    fn begin(
        &self,
        source: &mut Source<'_>,
        mut window: Window,
        mcus: Range<usize>,
        shift: u32,
        coefficients: &mut [Coefficients],
    ) -> Result<(), Damaged> {
        let (mut x, mut y) = (mcus.start % self.width, mcus.start / self.width);
        let mut predictions = [0_i32; 4];
        for _ in mcus {
            window = source.ensure(window);
            let bytes = source.bytes();
            for block in &self.blocks {
                window.fill_for_one(bytes);
                let prediction = &mut predictions[block.part];
                *prediction = prediction.wrapping_add(self.tables[block.part].difference(&mut window)?);
                let at = block.origin + x * block.across + y * block.down;
                if let Some(first) = coefficients[block.component].first.get_mut(at) {
                    *first = sixteen_bits(*prediction, shift);
                }
            }
            if source.overrun(window) {
                return Err(Damaged);
            }
            x += 1;
            if x == self.width {
                (x, y) = (0, y + 1);
            }
        }
        Ok(())
    }

    fn refine(
        &self,
        source: &mut Source<'_>,
        mut window: Window,
        mcus: Range<usize>,
        shift: u32,
        coefficients: &mut [Coefficients],
    ) -> Result<(), Damaged> {
        let (mut x, mut y) = (mcus.start % self.width, mcus.start / self.width);
        for _ in mcus {
            window = source.ensure(window);
            let bytes = source.bytes();
            for block in &self.blocks {
                let bit = i16::from(window.bit(bytes)) << shift;
                let at = block.origin + x * block.across + y * block.down;
                if let Some(first) = coefficients[block.component].first.get_mut(at) {
                    *first |= bit;
                }
            }
            if source.overrun(window) {
                return Err(Damaged);
            }
            x += 1;
            if x == self.width {
                (x, y) = (0, y + 1);
            }
        }
        Ok(())
    }
}

/// What a scan of other coefficients goes through: blocks of one component, of which `COUNT` coefficients are kept.
struct Band<const COUNT: usize> {
    codes: BandTable,
    first: usize,
    last: usize,
    shift: u32,
    /// Blocks across and down that the scan has, and from one line of blocks to the next.
    blocks: (usize, usize),
    stride: usize,
    places: [u8; 256],
    /// A bit for each coefficient that is kept.
    wanted: u64,
}

impl<const COUNT: usize> Band<COUNT> {
    fn of(scan: &Scan, codes: BandTable, component: &Component) -> Self {
        let side = if COUNT == 4 { 2 } else { 4 };
        Self {
            codes,
            first: scan.band.0,
            last: scan.band.1,
            shift: scan.shift,
            blocks: component.blocks,
            stride: component.stored.0,
            places: places(side),
            wanted: wanted(side),
        }
    }

    fn decode(&self, file: &[u8], scan: &Scan, kept: &mut Coefficients) {
        each_interval(file, scan, self.blocks.0 * self.blocks.1, |source, window, blocks| {
            let _: Result<(), Damaged> = if scan.refines {
                self.refine(source, window, blocks, kept)
            } else {
                self.begin(source, window, blocks, kept)
            };
        });
    }

    /// Reads coefficients for the first time, by section G.1.2.2.
    fn begin(
        &self,
        source: &mut Source<'_>,
        mut window: Window,
        blocks: Range<usize>,
        kept: &mut Coefficients,
    ) -> Result<(), Damaged> {
        let mut number = blocks.start;
        while number < blocks.end {
            window = source.ensure(window);
            let (block, nonzero) = kept.block(self.place(number)).ok_or(Damaged)?;
            let run = self.begin_block(&mut window, source.bytes(), block, nonzero)?;
            if source.overrun(window) {
                return Err(Damaged);
            }
            number += 1 + run;
        }
        Ok(())
    }

    /// Reads a block. Gives the number of further blocks that have no coefficients.
    #[inline(always)]
    fn begin_block(
        &self,
        window: &mut Window,
        bytes: &[u8],
        block: &mut [i16; COUNT],
        nonzero: &mut u64,
    ) -> Result<usize, Damaged> {
        let mut at = self.first;
        while at <= self.last {
            window.fill(bytes);
            match self.codes.progressed(window, at, self.last)? {
                Progressed::Pair { places, values, next, ends } => {
                    for (place, value) in places.into_iter().zip(values) {
                        *nonzero |= u64::from(value != 0) << (place & 63);
                        block[usize::from(self.places[place & 255]) % COUNT] = value << self.shift;
                    }
                    if ends {
                        return Ok(0);
                    }
                    at = next;
                }
                Progressed::Coefficient { zeros, value } => {
                    at += zeros;
                    if at > self.last {
                        return if value == 0 { Ok(0) } else { Err(Damaged) };
                    }
                    *nonzero |= u64::from(value != 0) << at;
                    block[usize::from(self.places[at]) % COUNT] = value << self.shift;
                    at += 1;
                }
                Progressed::Run(run) => return Ok(run - 1),
            }
        }
        Ok(0)
    }

    /// Reads a bit more of coefficients that are not zero, and those that become so, by section G.1.2.3.
    fn refine(
        &self,
        source: &mut Source<'_>,
        mut window: Window,
        blocks: Range<usize>,
        kept: &mut Coefficients,
    ) -> Result<(), Damaged> {
        // Blocks, from the next one on, of which no coefficient becomes other than zero.
        let mut run = 0;
        for number in blocks {
            window = source.ensure(window);
            let (block, nonzero) = kept.block(self.place(number)).ok_or(Damaged)?;
            let bytes = source.bytes();
            let at = if run > 0 {
                self.first
            } else {
                self.refine_block(&mut window, bytes, block, nonzero, &mut run)?
            };
            if run > 0 {
                self.correct(&mut window, bytes, *nonzero & self.from(at), block);
                run -= 1;
            }
            if source.overrun(window) {
                return Err(Damaged);
            }
        }
        Ok(())
    }

    /// Reads the coefficients of a block that become other than zero, and the bits of those before them. Gives the
    /// place where that ends.
    #[inline(always)]
    fn refine_block(
        &self,
        window: &mut Window,
        bytes: &[u8],
        block: &mut [i16; COUNT],
        nonzero: &mut u64,
        run: &mut usize,
    ) -> Result<usize, Damaged> {
        let mut at = self.first;
        while at <= self.last {
            window.fill(bytes);
            let symbol = self.codes.symbol(window)?;
            let (zeros, size) = (symbol >> 4, symbol & 15);
            let new = match size {
                0 if zeros < 15 => {
                    *run = (1 << zeros) + window.number(u32::from(zeros)) as usize;
                    return Ok(at);
                }
                0 => 0,
                1 => {
                    if window.bit(bytes) {
                        1_i16 << self.shift
                    } else {
                        -1_i16 << self.shift
                    }
                }
                _ => return Err(Damaged),
            };
            let rest = self.from(at);
            let mut zero = !*nonzero & rest;
            for _ in 0..zeros {
                zero &= zero.wrapping_sub(1);
            }
            let place = zero.trailing_zeros() as usize;
            let before = if place < 64 { !(u64::MAX << place) } else { u64::MAX };
            self.correct(window, bytes, *nonzero & rest & before, block);
            if new != 0 {
                if place > self.last {
                    return Err(Damaged);
                }
                *nonzero |= 1 << place;
                block[usize::from(self.places[place]) % COUNT] = new;
            }
            at = place + 1;
        }
        Ok(at)
    }

    /// Takes a bit for each of these coefficients.
    #[inline(always)]
    fn correct(&self, window: &mut Window, bytes: &[u8], these: u64, block: &mut [i16; COUNT]) {
        if these == 0 {
            return;
        }
        window.fill(bytes);
        let count = these.count_ones();
        let mut kept = these & self.wanted;
        // What is not kept comes last, so that this many bits hold what is.
        let bits = window.ahead();
        while kept != 0 {
            let at = kept.trailing_zeros();
            let before = (these & !(u64::MAX << at)).count_ones();
            if bits << before >> 63 == 1 {
                refine_one(&mut block[usize::from(self.places[at as usize]) % COUNT], self.shift);
            }
            kept &= kept - 1;
        }
        window.take_many(count, bytes);
    }

    /// A bit for each coefficient of the band from here on.
    #[inline(always)]
    fn from(&self, at: usize) -> u64 {
        if at > self.last { 0 } else { band_bits(at, self.last) }
    }

    /// Where a block of the scan lies among those of the component.
    #[inline(always)]
    fn place(&self, number: usize) -> usize {
        number / self.blocks.0 * self.stride + number % self.blocks.0
    }
}

/// Adds a bit to a coefficient that is not zero.
#[inline(always)]
fn refine_one(value: &mut i16, shift: u32) {
    let bit = 1_i16 << shift;
    if *value & bit == 0 {
        *value = value.saturating_add(if *value < 0 { -bit } else { bit });
    }
}

#[expect(clippy::cast_possible_truncation, reason = "what does not fit is damage, and any value is as good")]
fn sixteen_bits(value: i32, shift: u32) -> i16 {
    (value << shift) as i16
}
