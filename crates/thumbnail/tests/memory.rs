//! The one test that measures a process: metadata that inflates to half a gigabyte is never held.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot make its input has failed")]

use valet_thumbnail::{Limits, Variants, make};

#[test]
fn a_colour_profile_that_inflates_to_half_a_gigabyte_is_dropped_and_not_held() {
    let file = png_with_profile_bomb(512 << 20);
    assert!(file.len() < 4 << 20);
    let made = make(&file, &Variants::default(), &Limits::DEFAULT).unwrap();
    assert_eq!((made.source.dimensions.width, made.source.dimensions.height), (1, 1));
    let peak = peak_kilobytes();
    assert!(peak < 100_000, "the process held {peak} kB");
}

fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// One white pixel and an iCCP chunk of so many zeros.
fn png_with_profile_bomb(inflated: usize) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, *b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    chunk(&mut file, *b"iCCP", &[b"bomb\0\0".as_slice(), &deflated_zeros(inflated)].concat());
    chunk(&mut file, *b"IDAT", b"\x78\x01\x01\x02\x00\xFD\xFF\x00\xFF\x01\x01\x01\x00");
    chunk(&mut file, *b"IEND", b"");
    file
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    let named = [name.as_slice(), data].concat();
    file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
    file.extend(&named);
    file.extend(crc(&named).to_be_bytes());
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

/// A zlib stream of zeros: one literal, then matches of 258 bytes at distance 1, each 13 bits of the fixed
/// code.
fn deflated_zeros(length: usize) -> Vec<u8> {
    let mut bits = Bits { bytes: b"\x78\x01".to_vec(), used: 0 };
    bits.push(0b011, 3); // last block, fixed code
    bits.push(reversed(0b0011_0000, 8), 8); // the literal 0
    for _ in 0..length / 258 {
        bits.push(reversed(0b1100_0101, 8), 8); // length 258
        bits.push(0, 5); // distance 1
    }
    bits.push(0, 7); // end of block
    // Adler-32 of n + 1 zeros: a stays 1, b counts them.
    let zeros = u32::try_from((length / 258 * 258 + 1) % 65_521).unwrap();
    bits.bytes.extend((zeros << 16 | 1).to_be_bytes());
    bits.bytes
}

/// Deflate's codes are written from their highest bit.
fn reversed(code: u32, length: u32) -> u32 {
    code.reverse_bits() >> (32 - length)
}

/// Bits in deflate's order, lowest first.
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = u8::try_from(bits >> at & 1).unwrap();
            *self.bytes.last_mut().unwrap() |= bit << (self.used % 8);
            self.used += 1;
        }
    }
}
