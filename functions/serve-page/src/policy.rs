//! The Content-Security-Policy of a page: its own script and style by their hashes, whom it may talk to, and nothing else.
//! It must never allow inline code in general.

use crate::config::Config;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fmt::Display;

/// The policy of an HTML page of ours.
pub(crate) fn content_security_policy(html: &str, config: &Config) -> String {
    let scripts = inline(html, "script").map(hash);
    let styles = inline(html, "style").map(hash);
    [
        "default-src 'none'".to_owned(),
        format!("script-src 'self' {}", joined(scripts)),
        format!("style-src {}", joined(styles)),
        format!("connect-src 'self' {}", joined(&config.talks_to)),
        // blob: previews of what is being uploaded; data: the icon and what a ThumbHash decodes to.
        format!("img-src 'self' {} blob: data:", config.pictures),
        "base-uri 'none'".to_owned(),
        "form-action 'none'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
        // No text becomes markup, by mistake either.
        "require-trusted-types-for 'script'".to_owned(),
        "trusted-types 'none'".to_owned(),
    ]
    .join("; ")
}

/// What stands between the tags of each element of this name. Of markup written here alone: an element that takes its content
/// from elsewhere has an empty one.
fn inline<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut rest = html;
    std::iter::from_fn(move || {
        let (_, tag) = rest.split_once(&open)?;
        let (_, content) = tag.split_once('>')?;
        let (content, after) = content.split_once(&close)?;
        rest = after;
        Some(content)
    })
    .filter(|content| !content.is_empty())
}

fn hash(content: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(content)))
}

fn joined(parts: impl IntoIterator<Item: Display>) -> String {
    parts.into_iter().map(|part| part.to_string()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_inline_element_is_found_and_one_with_a_source_is_not() {
        let html = "<style>a{}</style><script type=\"module\">one()</script><script src=\"x.js\"></script><script>two()</script>";
        assert_eq!(inline(html, "script").collect::<Vec<_>>(), ["one()", "two()"]);
        assert_eq!(inline(html, "style").collect::<Vec<_>>(), ["a{}"]);
    }

    #[test]
    fn the_hash_is_the_one_a_browser_computes() {
        // The example of https://www.w3.org/TR/CSP3/#example-hash.
        let example = "alert('Hello, world.');";
        assert_eq!(hash(example), "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
    }
}
