//! Parts that do not get through at once.

use crate::fake::{Fake, Fault, full};
use crate::{PART, PART_LENGTH, TestFile, Watch, options, run, run_again};
use std::thread;
use std::time::{Duration, Instant};
use valet_client::{Api, Error, Options, Stop, upload};

#[test]
fn one_fault_costs_one_part_at_most() {
    type Make = fn() -> Fault;
    let faults: [(&str, Make); 9] = [
        ("reset at once", || Fault::Reset(0)),
        ("reset on the way", || Fault::Reset(PART_LENGTH / 2)),
        ("slow down", || Fault::Status(503, "SlowDown")),
        ("internal error", || Fault::Status(500, "InternalError")),
        ("idle for storage", || Fault::Status(400, "RequestTimeout")),
        ("damaged", || Fault::Status(400, "BadDigest")),
        ("url ended", || Fault::Status(403, "AccessDenied")),
        ("answer lost", || Fault::LoseAnswer),
        ("stored otherwise", || Fault::Corrupt),
    ];
    for (name, fault) in faults {
        let (fake, file, watch) = (Fake::start(PART), TestFile::new(9 * PART + 5), Watch::default());
        fake.fault("PUT 3", fault());
        let uploaded = run(&fake, &file, &watch).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(fake.file().unwrap(), file.bytes, "{name}");
        assert_eq!(uploaded.retries, 1, "{name}");
        assert_eq!(fake.count("PUT 3"), 2, "{name}");
        assert_eq!(watch.shown(), 9 * PART + 5, "{name}");
        assert!(fake.state().received <= 10 * PART + 5, "{name}: {}", fake.state().received);
        assert!(uploaded.sent_bytes <= 10 * PART + 5, "{name}: {}", uploaded.sent_bytes);
    }
}

#[test]
fn a_part_stored_with_another_checksum_is_sent_again() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    fake.fault("PUT 2", Fault::WrongCrc);
    let uploaded = run(&fake, &file, &Watch::default()).unwrap();
    assert_eq!((uploaded.corrupted_parts, fake.count("PUT 2")), (1, 2));
    assert_eq!(fake.file().unwrap(), file.bytes);
}

#[test]
fn a_part_that_never_arrives_whole_is_corrupt() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    for _ in 0..10 {
        fake.fault("PUT 2", Fault::Corrupt);
    }
    assert!(matches!(run(&fake, &file, &Watch::default()), Err(Error::Corrupt(_))));
    assert!(fake.count("PUT 2") < 10);
    assert_eq!(fake.file(), None);
}

#[test]
fn a_silent_connection_is_dropped_and_the_part_sent_again() {
    // Larger than what sockets hold, so that writing stops.
    let part = 16 << 20;
    let (fake, file, watch) = (Fake::start(part), TestFile::new(part + 1), Watch::default());
    fake.fault("PUT 1", Fault::Stall);
    let mut settings = fake.settings();
    settings.idle_timeout = Duration::from_millis(200);
    let api = Api::new(settings).unwrap();
    upload(&api, &file.source(), "video/mp4", &options(), &watch, &Stop::new()).unwrap();
    assert_eq!(fake.file().unwrap(), file.bytes);
    assert_eq!(fake.count("PUT 1"), 2);
    assert_eq!(watch.shown(), part + 1);
}

#[test]
fn a_stop_reaches_a_silent_connection() {
    let part = 16 << 20;
    let (fake, file) = (Fake::start(part), TestFile::new(part + 1));
    fake.fault("PUT 1", Fault::Stall);
    let stop = Stop::new();
    let its_stop = stop.clone();
    let watch = Watch::on_part(move |_| its_stop.stop());
    let begun = Instant::now();
    let stopped = upload(&fake.api(), &file.source(), "video/mp4", &options(), &watch, &stop);
    assert!(matches!(stopped, Err(Error::Stopped(Some(ticket))) if *ticket == watch.ticket()));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn urls_that_end_are_signed_again() {
    let (fake, file) = (Fake::start(PART), TestFile::new(12 * PART));
    fake.fault("PUT 6", Fault::First(Box::new(|state| state.era += 1)));
    run(&fake, &file, &Watch::default()).unwrap();
    assert_eq!(fake.file().unwrap(), file.bytes);
    // Those that were begun with old URLs, and each of them once.
    assert!(fake.state().received <= 24 * PART);
}

#[test]
fn urls_near_their_end_are_not_used() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    // Ten seconds left when the grant comes; the next ones live on.
    fake.state().expires_at = "2001-01-01T00:00:10Z";
    fake.fault("parts", Fault::First(Box::new(|state| state.expires_at = "2001-01-01T00:15:00Z")));
    run(&fake, &file, &Watch::default()).unwrap();
    assert!(fake.count("parts") >= 1);
    assert_eq!(fake.file().unwrap(), file.bytes);
}

#[test]
fn a_url_that_storage_never_takes_ends_the_upload() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    for _ in 0..20 {
        fake.fault("PUT 2", Fault::Status(403, "AccessDenied"));
    }
    let refused = run(&fake, &file, &Watch::default());
    assert!(matches!(refused, Err(Error::Storage { status: 403, .. })), "{refused:?}");
    assert!(fake.count("PUT 2") < 10);
}

#[test]
fn nothing_getting_through_is_given_up_and_resumed() {
    let (fake, file, watch) = (Fake::start(PART), TestFile::new(5 * PART), Watch::default());
    for _ in 0..1000 {
        fake.fault("PUT 4", Fault::Status(503, "SlowDown"));
    }
    let mut options = options();
    options.patience = Duration::from_millis(300);
    let api = fake.api();
    let gave_up = upload(&api, &file.source(), "video/mp4", &options, &watch, &Stop::new());
    let Err(error @ Error::GaveUp { .. }) = gave_up else { panic!("{gave_up:?}") };
    assert!(error.is_resumable());
    assert_eq!(fake.file(), None);
    fake.state().faults.clear();
    run_again(&fake, &file, &watch.ticket(), &Watch::default()).unwrap();
    assert_eq!(fake.file().unwrap(), file.bytes);
}

#[test]
fn what_can_never_be_stored_ends_the_upload_at_once() {
    let (fake, file) = (Fake::start(PART), TestFile::new(50 * PART));
    fake.fault("PUT 2", Fault::Status(400, "EntityTooLarge"));
    let refused = run(&fake, &file, &Watch::default());
    assert!(matches!(refused, Err(Error::Storage { status: 400, code }) if code == "EntityTooLarge"));
    assert!(fake.state().log.len() < 50);
}

#[test]
fn an_upload_cancelled_meanwhile_says_so() {
    let (fake, file) = (Fake::start(PART), TestFile::new(5 * PART));
    fake.fault(
        "PUT 2",
        Fault::First(Box::new(|state| state.uploads.get_mut("u1").unwrap().status = "cancelled")),
    );
    let ended = run(&fake, &file, &Watch::default());
    assert!(matches!(ended, Err(Error::Ended { code, .. }) if code == "cancelled"));
}

#[test]
fn a_single_put_whose_answer_was_lost_is_confirmed() {
    let (fake, file, watch) = (Fake::start(PART), TestFile::new(PART), Watch::default());
    fake.fault("PUT 1", Fault::LoseAnswer);
    run(&fake, &file, &watch).unwrap();
    assert_eq!(fake.file().unwrap(), file.bytes);
    assert_eq!(watch.shown(), PART);
}

#[test]
fn a_single_put_is_signed_again() {
    let (fake, file) = (Fake::start(PART), TestFile::new(PART));
    fake.fault("PUT 1", Fault::Status(403, "AccessDenied"));
    run(&fake, &file, &Watch::default()).unwrap();
    assert_eq!(fake.file().unwrap(), file.bytes);
    assert_eq!(fake.count("url"), 1);
}

#[test]
fn no_error_shows_a_url_or_a_token() {
    let (fake, file, watch) = (Fake::start(PART), TestFile::new(5 * PART), Watch::default());
    fake.fault("PUT 1", Fault::Reset(10));
    fake.fault("PUT 2", Fault::Status(503, "SlowDown"));
    fake.fault("PUT 3", Fault::LoseAnswer);
    run(&fake, &file, &watch).unwrap();
    let shown = format!("{:?} {:?} {:?}", watch.retries.lock().unwrap(), fake.api(), watch.ticket());
    assert!(watch.retries.lock().unwrap().len() == 3);
    for secret in ["s3cret", "t0ken", "storage/u1"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn room_for_a_grant_is_waited_for_however_often_it_takes() {
    let (fake, file, watch) = (Fake::start(PART), TestFile::new(10), Watch::default());
    for _ in 0..9 {
        fake.fault("issue", full("too_many_pending", "retry-after: 0\r\n"));
    }
    run(&fake, &file, &watch).unwrap();
    assert_eq!(fake.file().unwrap(), file.bytes);
    let waits = watch.waits.lock().unwrap();
    assert!(waits.len() == 9 && waits.iter().all(|(code, _)| code == "too_many_pending"), "{waits:?}");
}

#[test]
fn waiting_for_room_ends_with_patience() {
    let (fake, file, watch) = (Fake::start(PART), TestFile::new(10), Watch::default());
    fake.fault("issue", full("too_many_pending", "retry-after: 2\r\n"));
    let options = Options { patience: Duration::from_secs(1), ..options() };
    let refused = upload(&fake.api(), &file.source(), "video/mp4", &options, &watch, &Stop::new());
    assert_eq!(refused.unwrap_err().code(), "too_many_pending");
    assert_eq!((fake.count("issue"), watch.waits.lock().unwrap().len()), (1, 0));
}

#[test]
fn a_stop_ends_the_wait_for_room() {
    let (fake, file, stop) = (Fake::start(PART), TestFile::new(10), Stop::new());
    fake.fault("issue", full("too_many_grants", "retry-after: 59\r\n"));
    let began = Instant::now();
    let ends = stop.clone();
    let stopped = thread::scope(|scope| {
        scope.spawn(|| {
            while fake.count("issue") == 0 {
                thread::sleep(Duration::from_millis(5));
            }
            ends.stop();
        });
        upload(&fake.api(), &file.source(), "video/mp4", &options(), &(), &stop)
    });
    assert!(matches!(stopped, Err(Error::Stopped(None))), "{stopped:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
}
