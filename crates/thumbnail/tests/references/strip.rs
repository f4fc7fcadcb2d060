//! Files without their colour profile: what is left of a conversion when there is none.

/// The file with its profile left out.
pub(crate) fn without_profile(name: &str, file: &[u8]) -> Vec<u8> {
    let stripped = match name.rsplit_once('.').unwrap().1 {
        "jpg" => jpeg(file),
        "png" => png(file),
        "webp" => webp(file),
        other => panic!("{other} files have no profile"),
    };
    assert!(stripped.len() < file.len(), "{name} has no profile");
    stripped
}

fn jpeg(file: &[u8]) -> Vec<u8> {
    let mut out = file[..2].to_vec();
    let mut rest = &file[2..];
    while rest[1] != 0xDA {
        let length = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        if !rest[4..].starts_with(b"ICC_PROFILE\0") {
            out.extend(&rest[..length]);
        }
        rest = &rest[length..];
    }
    [out, rest.to_vec()].concat()
}

fn png(file: &[u8]) -> Vec<u8> {
    let mut out = file[..8].to_vec();
    let mut rest = &file[8..];
    while let Some(length) = rest.first_chunk::<4>() {
        let end = 12 + u32::from_be_bytes(*length) as usize;
        if &rest[4..8] != b"iCCP" {
            out.extend(&rest[..end]);
        }
        rest = &rest[end..];
    }
    out
}

fn webp(file: &[u8]) -> Vec<u8> {
    let mut out = file[..12].to_vec();
    let mut rest = &file[12..];
    while let Some(length) = rest.get(4..8) {
        let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
        let end = (8 + length).next_multiple_of(2).min(rest.len());
        if &rest[..4] != b"ICCP" {
            out.extend(&rest[..end]);
        }
        rest = &rest[end..];
    }
    let size = u32::try_from(out.len() - 8).unwrap();
    out[4..8].copy_from_slice(&size.to_le_bytes());
    // VP8X no longer announces a profile.
    out[20] &= !0x20;
    out
}
