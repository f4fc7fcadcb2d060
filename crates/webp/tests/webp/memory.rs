//! What decoding takes, as it was reckoned.

use valet_webp::read;

use crate::files::{ALL, LOSSLESS, LOSSY};

#[test]
fn lossy_files_are_not_held_at_their_full_size() {
    let pixels = vec![128; 2000 * 1500 * 3];
    let file = valet_webp::encode(&pixels, 2000, 1500, 3, 75).unwrap();
    let bytes = read(&file).unwrap().working_bytes((400, 300)).unwrap();
    assert!(bytes < 1 << 20, "{bytes}");
}

#[test]
fn lossless_files_are() {
    let bytes = read(LOSSLESS).unwrap().working_bytes((15, 10)).unwrap();
    assert!(bytes > 150 * 106 * 4);
    assert!(read(LOSSY).unwrap().working_bytes((15, 10)).unwrap() < bytes);
}

#[test]
fn every_file_that_can_be_decoded_can_be_reckoned() {
    for (name, file) in ALL {
        let header = read(file).unwrap();
        let bytes = header.working_bytes((header.width, header.height)).unwrap();
        let pixels = u64::from(header.width) * u64::from(header.height);
        assert!(bytes > pixels * u64::from(header.channels()), "{name}");
        assert!(bytes < pixels * 20 + (1 << 20), "{name}: {bytes}");
    }
}
