//! Scans of progressive files, by ITU-T T.81 annex G, into the coefficients that a scale needs.

use crate::Error;
use crate::bits::{Source, Window};
use crate::frame::{Component, Frame};
use crate::huffman::{Codes, Damaged, DcTable};
use crate::idct::{self, Low, UNWANTED};
use crate::scan::Scan;
use crate::scans::Known;
use crate::upsample::Plane;

/// A component's coefficients, as far as they are known and wanted.
pub(crate) struct Coefficients {
    /// `side` times `side` for each block.
    wanted: Vec<i16>,
    /// For each block, which of all its coefficients are not zero. Empty if only the first one is wanted.
    nonzero: Vec<u64>,
    /// How many are wanted of a block.
    per_block: usize,
    /// Where the wanted ones lie, by their place in the zigzag order.
    places: [u8; 64],
}

impl Coefficients {
    /// Bytes that a block takes.
    pub(crate) const fn bytes_per_block(side: usize) -> u64 {
        (side * side * size_of::<i16>() + if side > 1 { size_of::<u64>() } else { 0 }) as u64
    }

    pub(crate) fn none(component: &Component, side: usize) -> Self {
        let blocks = component.stored_blocks();
        let mut places = idct::places(side);
        for place in places.iter_mut().filter(|place| **place != UNWANTED) {
            // From four a row to `side` a row.
            *place = *place / 4 * u8::try_from(side).unwrap_or(4) + *place % 4;
        }
        Self {
            wanted: vec![0; blocks * side * side],
            nonzero: vec![0; if side > 1 { blocks } else { 0 }],
            per_block: side * side,
            places,
        }
    }

    /// The coefficient of this place in the zigzag order, if it is wanted.
    fn get(&mut self, block: usize, at: usize) -> Option<&mut i16> {
        match self.places[at] {
            UNWANTED => None,
            place => self.wanted.get_mut(block * self.per_block + usize::from(place)),
        }
    }

    /// The pixels of all blocks.
    pub(crate) fn write<const SIDE: usize>(&self, known: &Known, plane: &mut Plane) {
        let Some(quantization) = known.quantization.as_deref() else { return };
        let bias = known.half_steps() * i32::from(quantization[0]) / 2;
        let places = const { idct::places(SIDE) };
        let across = plane.stride / SIDE;
        // Steps in the order of the coefficients kept, and where the transform wants them.
        let mut order = [(0_u16, 0_usize); 16];
        for (at, &place) in places.iter().enumerate().filter(|&(_, &place)| place != UNWANTED) {
            let (row, column) = (usize::from(place) / 4, usize::from(place) % 4);
            order[row * SIDE + column] = (quantization[at], usize::from(place));
        }
        for (number, block) in self.wanted.chunks_exact(SIDE * SIDE).enumerate() {
            let mut low: Low = [0; 17];
            for (&value, (step, place)) in block.iter().zip(order) {
                low[place] = idct::dequantized(i32::from(value), step);
            }
            low[0] += bias;
            let flat = block[1..].iter().all(|&value| value == 0);
            let at = SIDE * (number / across * plane.stride + number % across);
            idct::write::<SIDE>(&low, flat, plane.pixels.get_mut(at..).unwrap_or_default(), plane.stride);
        }
    }
}

/// Decodes a scan. Damage ends a restart interval, not the scan.
pub(crate) fn decode(
    file: &[u8],
    frame: &Frame,
    scan: &Scan,
    coefficients: &mut [Coefficients],
) -> Result<(), Error> {
    let alone = scan.parts.len() == 1;
    let (width, height) = if alone { frame.components[scan.parts[0].component].blocks } else { frame.mcus };
    let total = width * height;
    let interval = if scan.tables.restart_interval == 0 { total } else { scan.tables.restart_interval };
    let pass = Pass::of(frame, scan)?;
    let (mut source, mut window) = Source::new(&file[scan.data.clone()]);
    let mut first = 0;
    loop {
        let end = total.min(first + interval);
        let _: Result<(), Damaged> = pass.run(&mut source, window, (first, end), width, coefficients);
        first = end;
        if first == total {
            return Ok(());
        }
        match source.restart() {
            Some(next) => window = next,
            None => return Ok(()),
        }
    }
}

/// What a scan does to its blocks.
struct Pass {
    blocks: Vec<Block>,
    shift: u32,
    kind: Kind,
}

enum Kind {
    /// Section G.1.2.1, a table for each component of the frame.
    FirstDc(Vec<Option<DcTable>>),
    RefineDc,
    /// Section G.1.2.2.
    FirstAc(Band),
    /// Section G.1.2.3.
    RefineAc(Band),
}

struct Band {
    codes: Codes,
    first: usize,
    last: usize,
}

/// A block of every MCU of a scan: where it is among its component's blocks, and how far on in the next MCU.
struct Block {
    component: usize,
    origin: usize,
    across: usize,
    down: usize,
}

impl Pass {
    fn of(frame: &Frame, scan: &Scan) -> Result<Self, Error> {
        let alone = scan.parts.len() == 1;
        let mut blocks = Vec::new();
        for part in &scan.parts {
            let component = &frame.components[part.component];
            let (h, v) = if alone { (1, 1) } else { component.sampling };
            for y in 0..v {
                for x in 0..h {
                    blocks.push(Block {
                        component: part.component,
                        origin: y * component.stored.0 + x,
                        across: h,
                        down: v * component.stored.0,
                    });
                }
            }
        }
        let kind = match (scan.band, scan.refines) {
            ((0, _), true) => Kind::RefineDc,
            ((0, _), false) => {
                let mut tables = Vec::new();
                tables.resize_with(frame.components.len(), || None);
                for part in &scan.parts {
                    tables[part.component] = Some(DcTable::new(scan.tables.dc(part.dc_table)?));
                }
                Kind::FirstDc(tables)
            }
            ((first, last), refines) => {
                let band = Band { codes: scan.tables.ac(scan.parts[0].ac_table)?, first, last };
                if refines { Kind::RefineAc(band) } else { Kind::FirstAc(band) }
            }
        };
        Ok(Self { blocks, shift: scan.shift, kind })
    }

    fn run(
        &self,
        source: &mut Source<'_>,
        mut window: Window,
        (first, end): (usize, usize),
        width: usize,
        coefficients: &mut [Coefficients],
    ) -> Result<(), Damaged> {
        let (mut x, mut y) = (first % width, first / width);
        let mut predictions = [0_i32; 4];
        let mut end_of_band_run = 0;
        for _ in first..end {
            window = source.ensure(window);
            let bytes = source.bytes();
            for block in &self.blocks {
                let at = block.origin + x * block.across + y * block.down;
                let kept = &mut coefficients[block.component];
                match &self.kind {
                    Kind::FirstDc(tables) => {
                        let table = tables[block.component].as_ref().ok_or(Damaged)?;
                        window.fill_for_one(bytes);
                        let prediction = &mut predictions[block.component];
                        *prediction = prediction.wrapping_add(table.difference(&mut window)?);
                        if let Some(value) = kept.get(at, 0) {
                            *value = sixteen_bits(*prediction, self.shift);
                        }
                    }
                    Kind::RefineDc => {
                        let bit = i16::from(window.bit(bytes)) << self.shift;
                        if let Some(value) = kept.get(at, 0) {
                            *value |= bit;
                        }
                    }
                    Kind::FirstAc(band) => {
                        if end_of_band_run > 0 {
                            end_of_band_run -= 1;
                        } else {
                            end_of_band_run = band.first_time(&mut window, bytes, self.shift, kept, at)?;
                        }
                    }
                    Kind::RefineAc(band) => {
                        end_of_band_run =
                            band.refine(&mut window, bytes, self.shift, kept, at, end_of_band_run)?;
                    }
                }
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
}

impl Band {
    /// Reads a block's coefficients of the band. Gives the number of further blocks that have none.
    fn first_time(
        &self,
        window: &mut Window,
        bytes: &[u8],
        shift: u32,
        kept: &mut Coefficients,
        block: usize,
    ) -> Result<u32, Damaged> {
        let mut nonzero = 0_u64;
        let mut at = self.first;
        let mut run = 0;
        while at <= self.last {
            window.fill_for_one(bytes);
            let symbol = self.codes.symbol(window)?;
            let (zeros, size) = (symbol >> 4, u32::from(symbol & 15));
            if size == 0 && zeros < 15 {
                run = (1 << zeros) + window.number(u32::from(zeros)) - 1;
                break;
            }
            at += usize::from(zeros);
            if size > 0 {
                let value = window.value(size);
                if at > self.last {
                    return Err(Damaged);
                }
                nonzero |= 1 << at;
                if let Some(wanted) = kept.get(block, at) {
                    *wanted = sixteen_bits(value, shift);
                }
            }
            at += 1;
        }
        if let Some(known) = kept.nonzero.get_mut(block) {
            *known |= nonzero;
        }
        Ok(run)
    }

    /// Reads a bit more of the block's coefficients that are not zero, and those that become so. Takes and gives
    /// the number of blocks, from this one or the next on, of which none becomes so.
    fn refine(
        &self,
        window: &mut Window,
        bytes: &[u8],
        shift: u32,
        kept: &mut Coefficients,
        block: usize,
        mut run: u32,
    ) -> Result<u32, Damaged> {
        let mut nonzero = kept.nonzero.get(block).copied().unwrap_or_default();
        let mut at = self.first;
        if run == 0 {
            while at <= self.last {
                window.fill_for_one(bytes);
                let symbol = self.codes.symbol(window)?;
                let (mut zeros, size) = (symbol >> 4, symbol & 15);
                let mut new = None;
                match size {
                    0 if zeros < 15 => {
                        run = (1 << zeros) + window.number(u32::from(zeros));
                        break;
                    }
                    0 => {}
                    1 => new = Some(if window.bit(bytes) { 1_i16 << shift } else { -1_i16 << shift }),
                    _ => return Err(Damaged),
                }
                while at <= self.last {
                    if nonzero >> at & 1 == 1 {
                        if window.bit(bytes) {
                            refine_one(kept.get(block, at), shift);
                        }
                    } else if zeros == 0 {
                        break;
                    } else {
                        zeros -= 1;
                    }
                    at += 1;
                }
                if let Some(new) = new {
                    if at > self.last {
                        return Err(Damaged);
                    }
                    nonzero |= 1 << at;
                    if let Some(wanted) = kept.get(block, at) {
                        *wanted = new;
                    }
                }
                at += 1;
            }
            if let Some(known) = kept.nonzero.get_mut(block) {
                *known = nonzero;
            }
        }
        if run > 0 {
            let mut left = if at > 63 { 0 } else { nonzero >> at << at & u64::MAX >> (63 - self.last) };
            while left != 0 {
                if window.bit(bytes) {
                    refine_one(kept.get(block, left.trailing_zeros() as usize), shift);
                }
                left &= left - 1;
            }
            run -= 1;
        }
        Ok(run)
    }
}

/// Adds a bit to a coefficient that is not zero.
fn refine_one(value: Option<&mut i16>, shift: u32) {
    if let Some(value) = value {
        let bit = 1_i16 << shift;
        if *value & bit == 0 {
            *value = value.saturating_add(if *value < 0 { -bit } else { bit });
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "what does not fit is damage, and any value is as good")]
fn sixteen_bits(value: i32, shift: u32) -> i16 {
    (value << shift) as i16
}
