//! What decoding takes, as the system counts it: each file is decoded in a process of its own.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test, and a process that answers")]

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use image_webp::{ColorType, WebPEncoder};
use valet_webp::{Error, encode, read};

/// Side of the larger pictures.
const SIDE: u32 = 1536;
const MIB: u64 = 1 << 20;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    match arguments.iter().position(|argument| argument == "--decode-to") {
        Some(at) => child(arguments[at + 1].parse().unwrap()),
        None if cfg!(target_os = "linux") => parent(),
        None => {}
    }
}

fn parent() {
    let noise: Vec<u8> =
        (0..SIDE * SIDE * 4).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let mut lossless = Vec::new();
    WebPEncoder::new(&mut lossless).encode(&noise, SIDE, SIDE, ColorType::Rgba8).unwrap();
    let lossy = encode(&noise[..(SIDE * SIDE * 3) as usize], SIDE, SIDE, 3, 50).unwrap();
    let lossy_alpha = encode(&noise, SIDE, SIDE, 4, 50).unwrap();
    let many_codes = many_codes();
    for (name, file) in [
        ("lossless", &lossless),
        ("lossy", &lossy),
        ("lossy with alpha", &lossy_alpha),
        ("lossless with many codes", &many_codes),
    ] {
        for side in [100, SIDE] {
            let reckoned = read(file).unwrap().working_bytes((side, side)).unwrap();
            let taken = taken(file, side);
            println!("{name} at {side}: {taken} bytes taken, {reckoned} reckoned");
            // What the process itself grows by meanwhile.
            assert!(taken <= reckoned + MIB / 2);
            assert!(reckoned < 4 * taken + MIB);
        }
    }
    a_file_of_300_kilobytes_that_asks_for_a_third_of_a_gigabyte_says_so(&many_codes);
}

fn a_file_of_300_kilobytes_that_asks_for_a_third_of_a_gigabyte_says_so(file: &[u8]) {
    assert!(file.len() < 300_000);
    assert!(read(file).unwrap().working_bytes((1, 1)).unwrap() > 350 * MIB);
    // It asks no matter how much of it is there.
    let mut cut = file[..200_000].to_vec();
    assert!(matches!(read(&cut), Err(Error::Truncated)));
    cut[4..8].copy_from_slice(&(200_000_u32 - 8).to_le_bytes());
    cut[16..20].copy_from_slice(&(200_000_u32 - 20).to_le_bytes());
    assert!(read(&cut).unwrap().working_bytes((1, 1)).unwrap() > 350 * MIB);
}

/// By how much a new process's peak rises.
fn taken(file: &[u8], side: u32) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--decode-to", &side.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(file).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn child(side: u32) {
    let mut file = Vec::new();
    io::stdin().read_to_end(&mut file).unwrap();
    let header = read(&file).unwrap();
    let before = status("VmRSS:");
    // Forgets the peak so far.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let image = header.decode((side, side)).unwrap();
    let peak = status("VmHWM:");
    assert!(image.width <= side);
    println!("{}", peak.saturating_sub(before));
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// A megapixel of which every block of 4 × 4 has a group of prefix codes of its own, each code of one symbol and four bits.
fn many_codes() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0x2F, 8);
    bits.push(1024 - 1, 14);
    bits.push(1024 - 1, 14);
    bits.push(0, 1 + 3); // no alpha, version 0
    bits.push(0, 1); // no transforms
    bits.push(0, 1); // no colour cache
    bits.push(1, 1); // several groups,
    bits.push(0, 3); // by blocks of 4 × 4
    bits.push(0, 1); // whose picture has no colour cache either
    for _ in ["green", "red"] {
        bits.push(0, 1); // 256 codes of eight bits each:
        bits.push(12 - 4, 4); // the code of lengths has one symbol,
        for _ in 0..11 {
            bits.push(0, 3);
        }
        bits.push(1, 3); // the twelfth in order, a length of eight,
        bits.push(1, 1);
        bits.push(3, 3);
        bits.push(256 - 2, 8); // for the first 256 symbols
    }
    for _ in ["blue", "alpha", "distance"] {
        bits.push(1, 4); // one symbol
    }
    for group in 0..=u16::MAX {
        let [red, green] = group.to_be_bytes();
        bits.push(green.reverse_bits().into(), 8);
        bits.push(red.reverse_bits().into(), 8);
    }
    for _ in 0..=u16::MAX {
        bits.push(0b0001_0001_0001_0001_0001, 20);
    }
    let mut data = bits.bytes;
    data.resize(data.len().next_multiple_of(2), 0);
    let size = |bytes: usize| u32::try_from(bytes).unwrap().to_le_bytes();
    [b"RIFF".as_slice(), &size(data.len() + 12), b"WEBPVP8L", &size(data.len()), &data].concat()
}

/// Bits, lowest first.
#[derive(Default)]
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
