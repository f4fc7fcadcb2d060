//! Exif, orientation and colour profile are handed out as they are stored.

use image::ImageDecoder;
use image::metadata::Orientation;
use scaled_jpeg::{Jpeg, Scale};

use crate::files::BASELINE_420;

/// The file with these segments before all others.
fn with(segments: &[(u8, &[u8])]) -> Vec<u8> {
    let mut file = BASELINE_420[..2].to_vec();
    for (marker, payload) in segments {
        file.extend([0xFF, *marker]);
        file.extend(u16::try_from(payload.len() + 2).unwrap().to_be_bytes());
        file.extend(*payload);
    }
    file.extend(&BASELINE_420[2..]);
    file
}

#[test]
fn exif_is_handed_out_and_its_orientation_read() {
    let tiff = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let file =
        with(&[(0xE1, b"http://ns.adobe.com/xap/1.0/\0"), (0xE1, &[b"Exif\0\0", tiff.as_slice()].concat())]);
    let mut decoder = Jpeg::read(&file).unwrap().decoder(Scale::Half);
    assert_eq!(decoder.exif_metadata().unwrap().as_deref(), Some(tiff.as_slice()));
    assert_eq!(decoder.orientation().unwrap(), Orientation::Rotate90);
}

#[test]
fn a_profile_is_put_together_from_its_parts() {
    let file = with(&[(0xE2, b"ICC_PROFILE\0\x02\x02world"), (0xE2, b"ICC_PROFILE\0\x01\x02hello ")]);
    let profile = Jpeg::read(&file).unwrap().decoder(Scale::Half).icc_profile().unwrap();
    assert_eq!(profile.as_deref(), Some(b"hello world".as_slice()));
    assert_eq!(Jpeg::read(&file).unwrap().icc_profile(), profile);
}

#[test]
fn a_file_without_metadata_has_none() {
    let mut decoder = Jpeg::read(BASELINE_420).unwrap().decoder(Scale::Half);
    assert_eq!(decoder.exif_metadata().unwrap(), None);
    assert_eq!(decoder.icc_profile().unwrap(), None);
    assert_eq!(decoder.orientation().unwrap(), Orientation::NoTransforms);
}
