//! The content type of a file, by what its name ends in and what the stack accepts. No content is looked at: the server does.

use std::path::Path;
use valet_client::Limits;

/// Other endings of the same types.
const ALIASES: [(&str, &str); 4] = [("jpeg", "jpg"), ("jpe", "jpg"), ("m4v", "mp4"), ("qt", "mov")];

/// The accepted type of a file of this name.
pub(crate) fn type_of(name: &Path, limits: &Limits) -> Option<String> {
    let ending = name.extension()?.to_str()?.to_lowercase();
    let ending =
        ALIASES.iter().find(|(alias, _)| *alias == ending).map_or(ending.as_str(), |(_, ending)| ending);
    limits.types.iter().find(|limit| limit.extension == ending).map(|limit| limit.content_type.clone())
}

/// The accepted endings, for whoever needs to be told.
pub(crate) fn endings(limits: &Limits) -> String {
    limits.types.iter().map(|limit| format!(".{}", limit.extension)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides_whatever_its_case() {
        let limits: Limits = serde_json::from_str(
            r#"{"types": [{"contentType": "image/jpeg", "extension": "jpg", "maxSize": 1, "thumbnails": true}],
                "urlLifetimeSeconds": 900, "grantLifetimeSeconds": 3600}"#,
        )
        .unwrap();
        for name in ["a.jpg", "a.JPG", "b.jpeg", "dir.png/a.JPEG", "a.png.jpg"] {
            assert_eq!(type_of(Path::new(name), &limits).as_deref(), Some("image/jpeg"), "{name}");
        }
        for name in ["jpg", ".jpg", "a.png", "a.", "a"] {
            assert_eq!(type_of(Path::new(name), &limits), None, "{name}");
        }
    }
}
