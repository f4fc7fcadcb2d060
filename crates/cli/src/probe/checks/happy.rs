//! What must work: an upload, its file, its thumbnail, and the headers it is served with.

use super::super::Probe;
use super::super::check::{Check, Finding, Group, Outcome};
use super::super::stack::Shown;
use super::super::web::Ask;
use super::without_a_file;
use std::time::Duration;

const THUMBNAIL_PATIENCE: Duration = Duration::from_secs(90);

pub(in super::super) const GROUP: Group = Group {
    title: "What must work",
    checks: &[
        Check { id: "upload", title: "upload and confirm an image", expected: "200 and a file", run: upload },
        Check { id: "served", title: "read it from the CDN", expected: "200, the very bytes", run: served },
        Check { id: "thumbnail", title: "its thumbnail", expected: "ready and served", run: thumbnail },
        Check {
            id: "image-headers",
            title: "headers of a served image",
            expected: "nosniff, CSP sandbox",
            run: image_headers,
        },
        Check {
            id: "download-headers",
            title: "headers of a file that is no image",
            expected: "these and attachment",
            run: download_headers,
        },
        Check {
            id: "no-store",
            title: "answers of the API are not cached",
            expected: "no-store",
            run: no_store,
        },
    ],
};

#[expect(clippy::unnecessary_wraps, reason = "as every check")]
fn upload(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(Finding::Broken(why)),
    };
    let (file, sample) = (&shown.file, shown.sample);
    let right = file["status"] == "ready"
        && file["id"] == shown.id.as_str()
        && file["size"] == sample.content.len()
        && file["contentType"] == sample.content_type;
    Ok(if right {
        Finding::Held("200, ready".into())
    } else {
        Finding::Broken("the file says something else".into())
    })
}

fn served(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let answer = probe.web.send(&Ask::new("GET", &shown.file_url))?;
    let content_type = answer.header("content-type");
    Ok(if answer.status != 200 {
        Finding::Broken(answer.told())
    } else if answer.body != shown.sample.content {
        Finding::Broken("200 with other bytes".into())
    } else if content_type != shown.sample.content_type {
        Finding::Broken(format!("200 as {content_type}"))
    } else {
        Finding::Held("200, the very bytes".into())
    })
}

fn thumbnail(probe: &Probe) -> Outcome {
    let shown = match probe.shown() {
        Ok(shown) => shown,
        Err(why) => return Ok(without_a_file(&why)),
    };
    let upload = format!("/v1/uploads/{}", shown.id);
    let read = || Ok(probe.call("GET", &upload, None)?.json()["file"]["thumbnails"].clone());
    let thumbnails = probe.until(THUMBNAIL_PATIENCE, read, |found| found["status"] != "pending")?;
    let Some(url) = thumbnails["items"][0]["url"].as_str() else {
        return Ok(Finding::Broken(format!(
            "thumbnails are {}",
            thumbnails["status"].as_str().unwrap_or("missing")
        )));
    };
    let answer = probe.web.send(&Ask::new("GET", url))?;
    let is_image = answer.body.starts_with(b"\xff\xd8\xff") || answer.body.starts_with(b"RIFF");
    Ok(match answer.status {
        200 if is_image => Finding::Held("ready and served".into()),
        200 => Finding::Broken("200, but neither JPEG nor WebP".into()),
        _ => Finding::Broken(answer.told()),
    })
}

fn image_headers(probe: &Probe) -> Outcome {
    match probe.shown() {
        Ok(shown) => security_headers(probe, shown, false),
        Err(why) => Ok(without_a_file(&why)),
    }
}

fn download_headers(probe: &Probe) -> Outcome {
    let Some(sample) = probe.accepted(|sample, _| !sample.is_image) else {
        return Ok(Finding::NotTried("the stack accepts images alone".into()));
    };
    match probe.upload(sample) {
        Ok(shown) => security_headers(probe, &shown, true),
        Err(why) => Ok(without_a_file(&why)),
    }
}

fn security_headers(probe: &Probe, shown: &Shown, is_download: bool) -> Outcome {
    let answer = probe.web.send(&Ask::new("GET", &shown.file_url))?;
    if answer.status != 200 {
        return Ok(Finding::Broken(answer.told()));
    }
    let policy = answer.header("content-security-policy");
    let mut missing = Vec::new();
    if answer.header("x-content-type-options") != "nosniff" {
        missing.push("X-Content-Type-Options: nosniff");
    }
    if !(policy.contains("default-src 'none'") && policy.split(';').any(|part| part.trim() == "sandbox")) {
        missing.push("Content-Security-Policy with default-src 'none' and sandbox");
    }
    if is_download && !answer.header("content-disposition").starts_with("attachment") {
        missing.push("Content-Disposition: attachment");
    }
    Ok(if missing.is_empty() {
        Finding::Held(if is_download { "all three" } else { "both" }.into())
    } else {
        Finding::Broken(format!("without {}", missing.join(", ")))
    })
}

fn no_store(probe: &Probe) -> Outcome {
    let answer = probe.call("GET", "/v1/limits", None)?;
    let cached = answer.header("cache-control");
    Ok(if cached == "no-store" {
        Finding::Held("no-store".into())
    } else {
        Finding::Broken(if cached.is_empty() { "no Cache-Control".into() } else { cached.to_owned() })
    })
}
