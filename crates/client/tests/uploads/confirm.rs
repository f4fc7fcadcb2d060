//! The end of an upload.

use crate::fake::{Fake, Fault, Stored};
use crate::{PART, PART_LENGTH, TestFile, Watch, options, run};
use serde_json::json;
use std::time::{Duration, Instant};
use valet_client::{Api, Confirmation, Error, NewUpload, Options, Stop, upload};

#[test]
fn a_part_that_storage_lost_is_sent_again() {
    let (fake, file) = (Fake::start(PART), TestFile::new(5 * PART));
    fake.fault(
        "confirm",
        Fault::First(Box::new(|state| {
            state.uploads.get_mut("u1").unwrap().stored.remove(&2);
        })),
    );
    let uploaded = run(&fake, &file, &Watch::default()).unwrap();
    assert_eq!(fake.file().unwrap(), file.bytes);
    assert_eq!(uploaded.sent_bytes, 6 * PART);
    assert_eq!((fake.count("PUT 2"), fake.count("PUT 3")), (2, 1));
}

#[test]
fn a_part_that_somebody_wrote_over_is_sent_again() {
    for checksums in [true, false] {
        let (fake, file) = (Fake::start(PART), TestFile::new(5 * PART));
        fake.state().checksums = checksums;
        fake.fault(
            "confirm",
            Fault::First(Box::new(|state| {
                let part = Stored { bytes: vec![7; PART_LENGTH], version: 77 };
                state.uploads.get_mut("u1").unwrap().stored.insert(4, part);
            })),
        );
        run(&fake, &file, &Watch::default()).unwrap();
        assert_eq!(fake.file().unwrap(), file.bytes);
        assert_eq!((fake.count("PUT 4"), fake.count("PUT 3")), (2, 1));
    }
}

#[test]
fn a_confirm_of_what_is_not_there_is_not_tried_again() {
    let fake = Fake::start(PART);
    let api = fake.api();
    let new = NewUpload {
        filename: "f".into(),
        content_type: "video/mp4".into(),
        size: 1,
        part_size: None,
        checksum: None,
    };
    let id = api.issue(&new, None).unwrap().upload.id;
    let refused = api.confirm(&id, &Confirmation::default());
    assert!(matches!(refused, Err(Error::TryLater { code, .. }) if code == "not_uploaded"));
    assert_eq!(fake.count("confirm"), 1);
}

#[test]
fn what_never_agrees_is_corrupt() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    for _ in 0..10 {
        fake.fault("confirm", Fault::Answer(409, "", json!({"code": "parts_mismatch", "detail": "no"})));
    }
    assert!(matches!(run(&fake, &file, &Watch::default()), Err(Error::Corrupt(_))));
}

#[test]
fn storage_that_is_still_assembling_is_waited_for() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    fake.fault("confirm", Fault::Answer(202, "retry-after: 1\r\n", json!({"status": "pending"})));
    run(&fake, &file, &Watch::default()).unwrap();
    assert_eq!(fake.count("confirm"), 2);
    assert_eq!(fake.file().unwrap(), file.bytes);
}

#[test]
fn a_file_that_is_scanned_is_waited_for_however_often_the_api_is_busy_in_between() {
    let (fake, file, watch) = (Fake::start(PART), TestFile::new(10), Watch::default());
    for _ in 0..7 {
        fake.fault("confirm", Fault::Answer(202, "retry-after: 1\r\n", json!({"status": "pending"})));
        fake.fault("confirm", Fault::Answer(429, "", json!({"message": "Too Many Requests"})));
    }
    let mut settings = fake.settings();
    settings.tries = 1;
    let api = Api::new(settings).unwrap();
    let options = Options { patience: Duration::from_secs(2), ..options() };
    let began = Instant::now();
    upload(&api, &file.source(), "video/mp4", &options, &watch, &Stop::new()).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(7));
    assert_eq!((fake.count("confirm"), fake.file().unwrap()), (15, file.bytes.clone()));
    // Each is the first failure in a row.
    let delays = watch.delays.lock().unwrap();
    assert!(
        delays.len() == 7 && delays.iter().all(|delay| *delay <= Duration::from_millis(200)),
        "{delays:?}"
    );
}

#[test]
fn a_confirm_whose_answer_was_lost_is_made_again() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    fake.fault("confirm", Fault::LoseAnswer);
    run(&fake, &file, &Watch::default()).unwrap();
    assert_eq!(fake.count("confirm"), 2);
}

#[test]
fn what_is_rejected_says_why() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    fake.fault(
        "confirm",
        Fault::Answer(422, "", json!({"code": "content_mismatch", "detail": "not a video"})),
    );
    let rejected = run(&fake, &file, &Watch::default());
    assert!(
        matches!(rejected, Err(Error::Rejected { code, detail }) if code == "content_mismatch" && detail == "not a video")
    );
}

#[test]
fn an_upload_that_was_cancelled_before_its_confirm_says_so() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    fake.fault(
        "confirm",
        Fault::First(Box::new(|state| state.uploads.get_mut("u1").unwrap().status = "cancelled")),
    );
    let ended = run(&fake, &file, &Watch::default());
    assert!(matches!(ended, Err(Error::Ended { code, .. }) if code == "cancelled"));
}
