//! Image files made by hand: what the encoders at hand cannot write, and what nobody should.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat};

/// The image in a format the image crate writes; WebP is lossless.
pub(crate) fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    if format == ImageFormat::Jpeg {
        image.write_with_encoder(JpegEncoder::new_with_quality(&mut file, 100)).unwrap();
    } else {
        image.write_to(&mut file, format).unwrap();
    }
    file.into_inner()
}

/// The TIFF structure of an Exif block with nothing but an orientation.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let header = b"MM\0\x2A\0\0\0\x08";
    let entry = [0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
    [header.as_slice(), &entry].concat()
}

/// The JPEG with this Exif block as its first segment.
pub(crate) fn jpeg_with_exif(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    let payload = [b"Exif\0\0", exif].concat();
    let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], b"\xFF\xE1", &length, &payload, &jpeg[2..]].concat()
}

/// The PNG with these chunks after its header.
pub(crate) fn png_with(png: &[u8], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let header_end = 8 + 25;
    let mut file = png[..header_end].to_vec();
    for (name, data) in chunks {
        file.extend(png_chunk(**name, data));
    }
    file.extend(&png[header_end..]);
    file
}

/// A PNG of one colour type the encoders at hand lack. `rows` are packed pixels without filter bytes.
pub(crate) fn png(
    side: (u32, u32),
    depth: u8,
    colour: u8,
    before: &[(&[u8; 4], &[u8])],
    rows: &[&[u8]],
) -> Vec<u8> {
    let scanlines = rows.iter().flat_map(|row| [&[0], *row].concat()).collect::<Vec<_>>();
    let header =
        [&side.0.to_be_bytes(), &side.1.to_be_bytes(), [depth, colour, 0, 0].as_slice(), &[0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(png_chunk(*b"IHDR", &header));
    for (name, data) in before {
        file.extend(png_chunk(**name, data));
    }
    file.extend(png_chunk(*b"IDAT", &stored(&scanlines)));
    file.extend(png_chunk(*b"IEND", b""));
    file
}

fn png_chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let named = [name.as_slice(), data].concat();
    [length.as_slice(), &named, &crc(&named).to_be_bytes()].concat()
}

/// Makes the checksums of a damaged PNG right again, so that the damage gets past them.
pub(crate) fn repair_png_checksums(file: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(named) = file.get(at + 4..(at + 8).saturating_add(length)) else { return };
        let checksum = crc(named).to_be_bytes();
        let Some(place) = file.get_mut(at + 8 + length..at + 12 + length) else { return };
        place.copy_from_slice(&checksum);
        at += 12 + length;
    }
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

/// A zlib stream of one stored block.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in bytes {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let block = [b"\x78\x01\x01".as_slice(), &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
    [&block, bytes, &(b << 16 | a).to_be_bytes()].concat()
}

/// A WebP file in the extended layout: its canvas, its flags and its chunks.
pub(crate) fn webp_extended(side: (u32, u32), flags: u8, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let header = [&[flags, 0, 0, 0], &three_bytes(side.0 - 1)[..], &three_bytes(side.1 - 1)].concat();
    let mut body = b"WEBP".to_vec();
    body.extend(riff_chunk(*b"VP8X", &header));
    for (name, data) in chunks {
        body.extend(riff_chunk(**name, data));
    }
    riff_chunk(*b"RIFF", &body)
}

/// The picture chunk's payload of a file as [`encoded`] writes it.
pub(crate) fn webp_lossless_payload(webp: &[u8]) -> &[u8] {
    assert_eq!(&webp[12..16], b"VP8L");
    let length = u32::from_le_bytes(webp[16..20].try_into().unwrap()) as usize;
    &webp[20..20 + length]
}

/// The payload of an animation frame that covers a canvas of this size.
pub(crate) fn webp_frame(side: (u32, u32), lossless: &[u8]) -> Vec<u8> {
    let place =
        [&three_bytes(0)[..], &three_bytes(0), &three_bytes(side.0 - 1), &three_bytes(side.1 - 1)].concat();
    [&place, &three_bytes(100)[..], &[0], &riff_chunk(*b"VP8L", lossless)].concat()
}

fn riff_chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    [name.as_slice(), &length, data, &[0][..data.len() % 2]].concat()
}

fn three_bytes(number: u32) -> [u8; 3] {
    number.to_le_bytes()[..3].try_into().unwrap()
}

/// A progressive JPEG of 16 by 16 pixels, red on the left and blue on the right, in ten scans.
pub(crate) fn progressive_jpeg() -> Vec<u8> {
    let digits = concat!(
        "ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a07",
        "0706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffdb0043010304",
        "0405040509050509140d0b0d141414141414141414141414141414141414141414141414141414141414141414141414",
        "1414141414141414141414141414ffc20011080010001003011100021101031101ffc400150001010000000000000000",
        "0000000000000607ffc4001501010100000000000000000000000000000806ffda000c030100021003100000019cc2aa",
        "40b8c74f838c502e31d7ffc40014100100000000000000000000000000000020ffda00080101000105021fffc4001411",
        "0100000000000000000000000000000020ffda0008010301013f011fffc4001411010000000000000000000000000000",
        "0020ffda0008010201013f011fffc40014100100000000000000000000000000000020ffda0008010100063f021fffc4",
        "0014100100000000000000000000000000000020ffda0008010100013f211fffda000c03010002000300000010ebafff",
        "c40014110100000000000000000000000000000020ffda0008010301013f101fffc40014110100000000000000000000",
        "000000000020ffda0008010201013f101fffc40014100100000000000000000000000000000020ffda0008010100013f",
        "101fffd9",
    );
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}
