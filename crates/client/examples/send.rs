//! Uploads one file and says how fast: the client's own CPU and memory are `/usr/bin/time`'s to tell.
//!
//! `/usr/bin/time -f '%e s, %U + %S s CPU, %M KiB' target/release/examples/send http://127.0.0.1:4600 FILE [CONNECTIONS] [checksums]`

use std::env;
use std::time::Instant;
use valet_client::{Api, Options, Settings, Source, Stop, Token, upload};

#[expect(clippy::print_stdout, reason = "this is what it is for")]
#[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
fn main() -> Result<(), valet_client::Error> {
    let mut arguments = env::args().skip(1);
    let base_url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:4600".into());
    let source = Source::open(arguments.next().expect("a file"))?;
    let parallel = arguments.next().map_or(8, |text| text.parse().expect("a number of connections"));
    let checksums = arguments.next().is_none_or(|text| text == "true");
    let api = Api::new(Settings::new(base_url, Token::Text("token".into())))?;
    let options = Options { parallel, checksums, ..Options::default() };
    let begun = Instant::now();
    let uploaded = upload(&api, &source, "video/mp4", &options, &(), &Stop::new())?;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} bytes in {seconds:.3} s: {:.0} MB/s",
        uploaded.sent_bytes,
        uploaded.sent_bytes as f64 / seconds / 1e6
    );
    Ok(())
}
