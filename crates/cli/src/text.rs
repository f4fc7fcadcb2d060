//! Numbers and foreign text for people. Names come from anywhere, so no control character of one reaches a terminal.

/// Text that somebody else chose, on one line and without anything a terminal would obey.
pub(crate) fn tame(text: &str) -> String {
    text.chars().map(|char| if char.is_control() || reorders(char) { '\u{fffd}' } else { char }).collect()
}

/// Marks that make the following text read in another order.
fn reorders(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1.5 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// Bytes from `5242880`, `16MiB`, `16M`, `1GiB`.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        _ => return Err("must be bytes, or end in KiB, MiB or GiB".into()),
    };
    let number: u64 = digits.trim().parse().map_err(|_| "must begin with a whole number")?;
    number.checked_mul(1 << shift).ok_or_else(|| "is too large".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_powers_of_two() {
        for (text, bytes) in
            [("5242880", 5 << 20), ("16MiB", 16 << 20), ("16M", 16 << 20), ("2gib", 2 << 30), ("1K", 1024)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "MiB", "1.5GiB", "-1", "5MB", "99999999999GiB"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_cannot_command_a_terminal() {
        assert_eq!(tame("a\x1b[2Jb\nc\u{202e}gpj.exe"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}gpj.exe");
        assert_eq!(tame("Geheim äöü 👩‍👧.jpg"), "Geheim äöü 👩‍👧.jpg");
    }
}
