//! The frame header, by ITU-T T.81 section B.2.2, and the sizes that follow from it; never a pixel.

use crate::{Error, Scale};

/// What a frame header declares.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) progressive: bool,
    pub(crate) components: Vec<Component>,
    /// MCUs of an interleaved scan across and down.
    pub(crate) mcus: (usize, usize),
    /// The largest sampling factors, across and down.
    pub(crate) most: (usize, usize),
}

/// A component, with sizes in blocks of 8×8 samples.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) id: u8,
    /// Sampling factors, across and down.
    pub(crate) sampling: (usize, usize),
    pub(crate) quantization: usize,
    /// Samples across and down, as section A.1.1 rounds them.
    pub(crate) samples: (usize, usize),
    /// Blocks that carry samples: the extent of a scan of this component alone (section A.2.2).
    pub(crate) blocks: (usize, usize),
    /// Blocks of whole MCUs, which is what is stored.
    pub(crate) stored: (usize, usize),
}

impl Frame {
    /// Reads the parameters of a frame header with this marker.
    pub(crate) fn read(marker: u8, payload: &[u8]) -> Result<Self, Error> {
        match marker {
            0xC0..=0xC2 => {}
            0xC3 | 0xC7 | 0xCB | 0xCF => return Err(Error::Unsupported("lossless coding")),
            0xC5 | 0xC6 | 0xCD | 0xCE => return Err(Error::Unsupported("hierarchical coding")),
            _ => return Err(Error::Unsupported("arithmetic coding")),
        }
        let Some((&[precision, h1, h0, w1, w0, count], specified)) = payload.split_first_chunk::<6>() else {
            return Err(Error::Corrupt("a frame header that ends early"));
        };
        if precision != 8 {
            return Err(Error::Unsupported("a precision other than 8 bits"));
        }
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        if width == 0 {
            return Err(Error::Corrupt("a width of nothing"));
        }
        if height == 0 {
            return Err(Error::Unsupported("a height that is told after the first scan"));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Error::Unsupported("another number of components than 1, 3 and 4"));
        }
        let (specified, _) = specified.as_chunks::<3>();
        let specified =
            specified.get(..usize::from(count)).ok_or(Error::Corrupt("a frame header that ends early"))?;
        Self::of(width, height, marker == 0xC2, specified)
    }

    fn of(width: u16, height: u16, progressive: bool, specified: &[[u8; 3]]) -> Result<Self, Error> {
        let factors = |&[_, both, _]: &[u8; 3]| match specified {
            // A scan of one component has one block an MCU, whatever its factors (section A.2.2).
            [_] => (1, 1),
            _ => (usize::from(both >> 4), usize::from(both & 15)),
        };
        for component in specified {
            let (across, down) = factors(component);
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) || component[2] > 3 {
                return Err(Error::Corrupt("a sampling factor or table number out of range"));
            }
        }
        for (at, component) in specified.iter().enumerate() {
            if specified[..at].iter().any(|other| other[0] == component[0]) {
                return Err(Error::Corrupt("two components of one name"));
            }
        }
        let most = specified.iter().map(factors).fold((1, 1), |a, b| (a.0.max(b.0), a.1.max(b.1)));
        let (across, down) = (usize::from(width), usize::from(height));
        let mcus = (across.div_ceil(8 * most.0), down.div_ceil(8 * most.1));
        let components = specified
            .iter()
            .map(|component| {
                let sampling = factors(component);
                let samples = ((across * sampling.0).div_ceil(most.0), (down * sampling.1).div_ceil(most.1));
                Component {
                    id: component[0],
                    sampling,
                    quantization: usize::from(component[2]),
                    samples,
                    blocks: (samples.0.div_ceil(8), samples.1.div_ceil(8)),
                    stored: (mcus.0 * sampling.0, mcus.1 * sampling.1),
                }
            })
            .collect();
        Ok(Self { width, height, progressive, components, mcus, most })
    }

    /// Pixels a side that are made of a component's block at this scale.
    ///
    /// A component of half the samples both ways has as many as the others where its blocks are made twice as large,
    /// so at 1/4 they are: for a few coefficients more its colours are as close to a full decode as if it had all
    /// samples, and need no interpolation. At 1/8, where decoding is little else than stepping over coefficients, it
    /// would cost a good part of the time, and of a progressive file scans that it otherwise goes without.
    pub(crate) fn side(&self, component: &Component, scale: Scale) -> usize {
        let mut side = scale.side();
        if scale == Scale::Eighth {
            return side;
        }
        let fits = |side: usize, sampling, most| sampling * side <= most * scale.side();
        while side < 4
            && fits(2 * side, component.sampling.0, self.most.0)
            && fits(2 * side, component.sampling.1, self.most.1)
        {
            side *= 2;
        }
        side
    }

    pub(crate) fn dimensions(&self) -> (u32, u32) {
        (u32::from(self.width), u32::from(self.height))
    }
}

impl Component {
    pub(crate) fn stored_blocks(&self) -> usize {
        self.stored.0 * self.stored.1
    }

    /// Samples that mean something of blocks with this side, across and down.
    pub(crate) fn scaled(&self, side: usize) -> (usize, usize) {
        let shrunk = |samples: usize| (samples * side).div_ceil(8);
        (shrunk(self.samples.0), shrunk(self.samples.1))
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;
    use crate::{Error, Scale};

    fn frame(marker: u8, sampling: &[u8]) -> Result<Frame, Error> {
        let count = u8::try_from(sampling.len()).unwrap();
        let mut payload = vec![8, 0, 35, 0, 50, count];
        for (id, &factors) in (0..).zip(sampling) {
            payload.extend([id, factors, 0]);
        }
        Frame::read(marker, &payload)
    }

    #[test]
    fn sizes_are_rounded_as_the_standard_does() {
        let frame = frame(0xC0, &[0x22, 0x11, 0x11]).unwrap();
        assert_eq!(frame.mcus, (4, 3));
        let chroma = &frame.components[1];
        assert_eq!((chroma.samples, chroma.blocks, chroma.stored), ((25, 18), (4, 3), (4, 3)));
        assert_eq!(frame.components[0].blocks, (7, 5));
        assert_eq!(frame.components[0].stored, (8, 6));
        assert_eq!(chroma.scaled(1), (4, 3));
        assert_eq!(chroma.scaled(4), (13, 9));
    }

    #[test]
    fn blocks_of_fewer_samples_are_made_larger() {
        let sides = |marker, sampling: &[u8], scale| {
            let frame = frame(marker, sampling).unwrap();
            frame.components.iter().map(|component| frame.side(component, scale)).collect::<Vec<_>>()
        };
        assert_eq!(sides(0xC0, &[0x22, 0x11, 0x11], Scale::Eighth), [1, 1, 1]);
        assert_eq!(sides(0xC0, &[0x22, 0x11, 0x11], Scale::Quarter), [2, 4, 4]);
        assert_eq!(sides(0xC0, &[0x22, 0x11, 0x11], Scale::Half), [4, 4, 4]);
        assert_eq!(sides(0xC0, &[0x44, 0x11, 0x22], Scale::Quarter), [2, 4, 4]);
        assert_eq!(sides(0xC0, &[0x21, 0x11, 0x11], Scale::Quarter), [2, 2, 2]);
        assert_eq!(sides(0xC2, &[0x22, 0x11, 0x11], Scale::Eighth), [1, 1, 1]);
        assert_eq!(sides(0xC2, &[0x22, 0x11, 0x11], Scale::Quarter), [2, 4, 4]);
    }

    #[test]
    fn the_factors_of_a_single_component_mean_nothing() {
        assert_eq!(frame(0xC0, &[0x22]).unwrap().mcus, (7, 5));
    }

    #[test]
    fn other_processes_are_refused_by_name() {
        let refusal = |marker| frame(marker, &[0x11]).unwrap_err();
        assert_eq!(refusal(0xC3), Error::Unsupported("lossless coding"));
        assert_eq!(refusal(0xC6), Error::Unsupported("hierarchical coding"));
        assert_eq!(refusal(0xC9), Error::Unsupported("arithmetic coding"));
        assert_eq!(refusal(0xCA), Error::Unsupported("arithmetic coding"));
    }

    #[test]
    fn factors_out_of_range_are_corrupt() {
        for factors in [0x01, 0x10, 0x51, 0x15] {
            assert!(matches!(frame(0xC0, &[factors, 0x11, 0x11]), Err(Error::Corrupt(_))), "{factors:x}");
        }
    }
}
