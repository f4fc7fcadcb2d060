//! Prints what decoding a file takes at every scale: `cargo run --release --example measure -- FILE…`.
//!
//! The mean of several rounds, in time on the processor where Linux tells it.
#![expect(clippy::print_stdout, reason = "it is what this is for")]

use std::time::{Duration, Instant};

use image::DynamicImage;
use scaled_jpeg::{Jpeg, Scale};

const ROUNDS: u32 = 15;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    println!("     1/8      1/4      1/2   ms");
    for name in std::env::args().skip(1) {
        let file = std::fs::read(&name)?;
        for scale in Scale::ALL {
            let before = on_processor(begun);
            for _ in 0..ROUNDS {
                DynamicImage::from_decoder(Jpeg::read(&file)?.decoder(scale))?;
            }
            let mean = on_processor(begun).saturating_sub(before) / ROUNDS;
            print!("{:>8.1} ", mean.as_secs_f64() * 1000.0);
        }
        println!("  {name}");
    }
    Ok(())
}

/// Time this thread has spent on a processor, or that has passed.
fn on_processor(begun: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}
