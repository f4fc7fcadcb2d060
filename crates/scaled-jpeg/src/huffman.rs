//! Huffman codes, by ITU-T T.81 annexes C and F.2.2.3, as tables that answer for several bits at once.
#![expect(clippy::inline_always, reason = "a call for each code would cost more than the code")]
#![expect(clippy::cast_possible_truncation, reason = "codes have at most 16 bits, symbols 8")]
#![expect(
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "values are packed into the fields of a word and taken out again"
)]

use crate::Error;
use crate::bits::{Window, extend};

/// The data breaks off, or says what no encoder writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Damaged;

/// Bits looked up at once; longer codes are rare.
const LOOKED_UP: u32 = 11;
/// Bits looked up at once where codes and values are only stepped over.
const STEPPED: u32 = 13;

type Lookup<T> = Box<[T; 1 << LOOKED_UP]>;

/// One table of codes as a DHT segment defines it.
pub(crate) struct Codes {
    /// Length and symbol of the code that starts here, or 0 if it is longer or none.
    lookup: Lookup<u16>,
    /// One more than the highest code of each length, as the upper bits of 16.
    ends: [u32; 17],
    /// What to add to a code of each length for its symbol's place.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Codes {
    /// Assigns codes to symbols, of which so many have 1 to 16 bits (section C.2).
    pub(crate) fn new(counts: [u8; 16], symbols: &[u8]) -> Result<Self, Error> {
        let mut codes = Self {
            lookup: Box::new([0; 1 << LOOKED_UP]),
            ends: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(&counts) {
            let count = usize::from(count);
            let here = symbols.get(place..place + count).ok_or(Error::Corrupt("fewer symbols than codes"))?;
            codes.offsets[length as usize] = place as i32 - code as i32;
            for &symbol in here {
                if code >> length != 0 {
                    return Err(Error::Corrupt("more codes than bits allow"));
                }
                if length <= LOOKED_UP {
                    let spare = LOOKED_UP - length;
                    let first = (code << spare) as usize;
                    codes.lookup[first..first + (1 << spare)].fill((length << 8) as u16 | u16::from(symbol));
                }
                code += 1;
            }
            codes.ends[length as usize] = code << (16 - length);
            place += count;
            code <<= 1;
        }
        Ok(codes)
    }

    /// Takes a code, of at most 16 bits.
    #[inline(always)]
    pub(crate) fn symbol(&self, window: &mut Window) -> Result<u8, Damaged> {
        let (length, symbol) = self.code(*window)?;
        window.take(length);
        Ok(symbol)
    }

    /// Length and symbol of the next code.
    #[inline(always)]
    fn code(&self, window: Window) -> Result<(u32, u8), Damaged> {
        match self.lookup[window.peek::<LOOKED_UP>()] {
            0 => self.long_code(window.ahead()),
            found => Ok((u32::from(found >> 8), found as u8)),
        }
    }

    #[cold]
    #[inline(never)]
    fn long_code(&self, ahead: u64) -> Result<(u32, u8), Damaged> {
        let sixteen = (ahead >> 48) as u32;
        for length in 1..=16_u32 {
            if sixteen < self.ends[length as usize] {
                let place = (sixteen >> (16 - length)) as i32 + self.offsets[length as usize];
                let symbol = usize::try_from(place).ok().and_then(|place| self.symbols.get(place));
                return symbol.map(|&symbol| (length, symbol)).ok_or(Damaged);
            }
        }
        Err(Damaged)
    }
}

/// Codes of DC differences (section F.1.2.1).
pub(crate) struct DcTable {
    codes: Codes,
    /// The difference, shifted left by 8, and the bits of its code and value together, or 0 if there are more.
    differences: Lookup<i32>,
}

impl DcTable {
    pub(crate) fn new(codes: Codes) -> Self {
        let mut differences = Box::new([0; 1 << LOOKED_UP]);
        for (bits, entry) in (0_u32..).zip(differences.iter_mut()) {
            let code = u32::from(codes.lookup[bits as usize]);
            let (length, size) = (code >> 8, code & 255);
            if length > 0 && size <= 15 && length + size <= LOOKED_UP {
                *entry = extend(value_in(bits, length, size), size) << 8 | (length + size) as i32;
            }
        }
        Self { codes, differences }
    }

    /// Takes a difference: at most 31 bits.
    #[inline(always)]
    pub(crate) fn difference(&self, window: &mut Window) -> Result<i32, Damaged> {
        let entry = self.differences[window.peek::<LOOKED_UP>()];
        if entry != 0 {
            window.take(entry as u32 & 255);
            return Ok(entry >> 8);
        }
        let size = u32::from(self.codes.symbol(window)?);
        if size > 15 { Err(Damaged) } else { Ok(window.value(size)) }
    }
}

/// Codes of AC coefficients in progressive files (section G.1.2.2).
pub(crate) struct BandTable {
    codes: Codes,
    /// What the next bits hold whole: see [`Pair`]. 0 if not even one coefficient.
    pairs: Lookup<Pair>,
}

/// Codes of AC coefficients in sequential files (section F.1.2.2).
pub(crate) struct AcTable {
    whole: BandTable,
    /// How far the codes go that end within the bits: bits (6), coefficients (8), of which [`END`] stands for
    /// the end of the block. 0 if not even one does.
    steps: Box<[u16; 1 << STEPPED]>,
}

/// Up to two coefficients: bits they take (8), places to go on (8), places before the first one and before the
/// second one (8 each), their values (16 each). The end of a block, or what has no value in it, is [`BLOCK`] places
/// away, where nothing is kept.
type Pair = u64;

/// A coefficient and the zeros before it. The end of a block is 64 zeros.
#[derive(Debug, Clone, Copy)]
struct Coefficient {
    zeros: usize,
    value: i32,
}

/// What comes next in a scan of a band.
pub(crate) enum Progressed {
    /// Up to two coefficients, of which those beyond place 63 mean nothing, and whether the block ends behind them.
    Pair { places: [usize; 2], values: [i16; 2], next: usize, ends: bool },
    /// A coefficient and the zeros before it.
    Coefficient { zeros: usize, value: i16 },
    /// So many blocks, from this one on, have no further coefficients.
    Run(usize),
}

/// Added to the coefficients of a step at whose end the block ends.
const END: usize = 128;
const BLOCK: usize = 64;

impl BandTable {
    pub(crate) fn new(codes: Codes) -> Self {
        let mut pairs = Box::new([0; 1 << LOOKED_UP]);
        for (bits, entry) in (0_u32..).zip(pairs.iter_mut()) {
            *entry = pair(&codes, bits);
        }
        Self { codes, pairs }
    }

    /// Takes what comes next in a scan of a band that ends at place `last`, from 56 bits.
    #[inline(always)]
    pub(crate) fn progressed(
        &self,
        window: &mut Window,
        at: usize,
        last: usize,
    ) -> Result<Progressed, Damaged> {
        let pair = self.pairs[window.peek::<LOOKED_UP>()];
        let places = (pair >> 8) as usize & 255;
        let next = at + places % BLOCK;
        // Beyond the band's end it is codes of the next block.
        if pair != 0 && next <= last + 1 {
            window.take(pair as u32 & 63);
            return Ok(Progressed::Pair {
                places: [pair >> 16, pair >> 24].map(|before| at + (before as usize & 255)),
                values: [(pair >> 32) as i16, (pair >> 48) as i16],
                next,
                ends: places > BLOCK,
            });
        }
        let symbol = u32::from(self.codes.symbol(window)?);
        let (zeros, size) = (symbol >> 4, symbol & 15);
        if size == 0 && zeros < 15 {
            return Ok(Progressed::Run((1 << zeros) + window.number(zeros) as usize));
        }
        Ok(Progressed::Coefficient { zeros: zeros as usize, value: window.value(size) as i16 })
    }

    /// Takes a code alone.
    #[inline(always)]
    pub(crate) fn symbol(&self, window: &mut Window) -> Result<u8, Damaged> {
        self.codes.symbol(window)
    }

    /// Takes a coefficient: at most 31 bits.
    #[inline(always)]
    fn coefficient(&self, window: &mut Window) -> Result<Coefficient, Damaged> {
        let symbol = u32::from(self.codes.symbol(window)?);
        let (zeros, size) = ((symbol >> 4) as usize, symbol & 15);
        let zeros = if size == 0 && zeros < 15 { BLOCK } else { zeros };
        Ok(Coefficient { zeros, value: window.value(size) })
    }
}

impl AcTable {
    pub(crate) fn new(codes: Codes) -> Self {
        let mut steps = Box::new([0; 1 << STEPPED]);
        for (bits, entry) in (0_u32..).zip(steps.iter_mut()) {
            *entry = step(&codes, bits);
        }
        Self { whole: BandTable::new(codes), steps }
    }

    /// Takes the coefficients of a block after the first up to place `last`, at most 31, and puts them where
    /// `places` says. Gives the place of the next one, or 64 and more at the end of the block.
    #[inline(always)]
    pub(crate) fn low<const COUNT: usize>(
        &self,
        window: &mut Window,
        bytes: &[u8],
        last: usize,
        places: &[u8; 256],
        block: &mut [i16; COUNT],
    ) -> Result<usize, Damaged> {
        let mut at = 1;
        while at <= last {
            window.fill(bytes);
            // So many look-ups as what was filled in suffices for.
            for _ in 0..56 / LOOKED_UP {
                let pair = self.whole.pairs[window.peek::<LOOKED_UP>()];
                if pair == 0 {
                    window.fill(bytes);
                    let coefficient = self.whole.coefficient(window)?;
                    at += coefficient.zeros;
                    block[usize::from(places[at & 255]) % COUNT] = coefficient.value as i16;
                    at += 1;
                    break;
                }
                window.take(pair as u32 & 63);
                let [first, second] =
                    [pair >> 16, pair >> 24].map(|before| places[(at + before as usize) & 255]);
                block[usize::from(first) % COUNT] = (pair >> 32) as i16;
                block[usize::from(second) % COUNT] = (pair >> 48) as i16;
                at += (pair >> 8) as usize & 255;
                if at > last {
                    break;
                }
            }
        }
        Ok(at)
    }

    /// Steps over the rest of a block, whose next coefficient has this place.
    #[inline(always)]
    pub(crate) fn skip(&self, window: &mut Window, bytes: &[u8], mut place: usize) -> Result<(), Damaged> {
        loop {
            window.fill(bytes);
            // Two steps of at most 28 bits are what was filled in.
            for _ in 0..2 {
                let step = usize::from(self.steps[window.peek::<STEPPED>()]);
                let reached = place + (step >> 6);
                if step == 0 || reached >= BLOCK {
                    if step != 0 && (reached == BLOCK || (END..END + BLOCK).contains(&reached)) {
                        window.take((step & 63) as u32);
                        return Ok(());
                    }
                    // A long code, or codes of the next block behind the last coefficient of this one.
                    window.fill(bytes);
                    let coefficient = self.whole.coefficient(window)?;
                    place += coefficient.zeros + 1;
                    if place >= BLOCK {
                        return Ok(());
                    }
                    break;
                }
                window.take((step & 63) as u32);
                place = reached;
            }
        }
    }
}

/// The entry for these bits: as many codes as lie wholly within them, with their values.
fn step(codes: &Codes, bits: u32) -> u16 {
    let (mut used, mut coefficients) = (0, 0);
    while used < STEPPED && coefficients < BLOCK {
        let rest = bits << used & ((1 << STEPPED) - 1);
        let code = u32::from(codes.lookup[(rest >> (STEPPED - LOOKED_UP)) as usize]);
        let (length, zeros, size) = (code >> 8, code >> 4 & 15, code & 15);
        // The value's own bits may lie beyond those that are looked at.
        if length == 0 || used + length > STEPPED {
            break;
        }
        used += length + size;
        if size == 0 && zeros < 15 {
            coefficients += END;
            break;
        }
        coefficients += zeros as usize + 1;
    }
    (coefficients << 6) as u16 | used as u16
}

/// The entry for these bits: up to two coefficients that lie wholly within them.
fn pair(codes: &Codes, bits: u32) -> Pair {
    let mut used = 0;
    let (mut places, mut before, mut values) = (0, [BLOCK as u64; 2], [0; 2]);
    for (before, value) in before.iter_mut().zip(&mut values) {
        let rest = bits << used & ((1 << LOOKED_UP) - 1);
        let code = u32::from(codes.lookup[rest as usize]);
        let (length, zeros, size) = (code >> 8, code >> 4 & 15, code & 15);
        if length == 0 || used + length + size > LOOKED_UP {
            break;
        }
        if size == 0 && zeros < 15 {
            // Others stand for several blocks' ends in progressive files.
            if zeros == 0 {
                used += length;
                places += 1 + BLOCK as u64;
            }
            break;
        }
        *before = places + u64::from(zeros);
        *value = u64::from(extend(value_in(rest, length, size), size) as u16);
        used += length + size;
        places = *before + 1;
    }
    if used == 0 {
        return 0;
    }
    values[1] << 48 | values[0] << 32 | before[1] << 24 | before[0] << 16 | places << 8 | u64::from(used)
}

/// The value bits after a code, within `LOOKED_UP` bits.
fn value_in(bits: u32, length: u32, size: u32) -> u32 {
    bits >> (LOOKED_UP - length - size) & ((1 << size) - 1)
}
