//! Files that change, uploads that are stopped and taken up again.

use crate::fake::{Fake, Fault, crc};
use crate::{PART, TestFile, Watch, options, run, run_again};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use valet_client::{Error, Stop, resume, upload};

fn changed(change: impl Fn(&fs::File) + Sync + 'static) {
    let (fake, file) = (Fake::start(PART), TestFile::new(40 * PART));
    let path = file.path.clone();
    let once = AtomicBool::new(false);
    let watch = Watch::on_part(move |_| {
        if !once.swap(true, Ordering::Relaxed) {
            change(&OpenOptions::new().write(true).open(&path).unwrap());
        }
    });
    let changed = run(&fake, &file, &watch);
    assert!(matches!(changed, Err(Error::FileChanged(_))), "{changed:?}");
    assert_eq!(fake.count("confirm"), 0);
    assert_eq!(fake.file(), None);
    // Found out part by part and not in the end alone.
    assert!(fake.state().log.len() < 35, "{:?}", fake.state().log);
}

#[test]
fn a_file_that_shrinks_is_not_confirmed() {
    changed(|file| file.set_len(PART).unwrap());
}

#[test]
fn a_file_that_grows_is_not_confirmed() {
    changed(|file| file.set_len(41 * PART).unwrap());
}

#[test]
fn a_file_that_is_written_to_is_not_confirmed() {
    changed(|file| {
        file.write_at(b"other", 0).unwrap();
        // As later writing would have it; two writes within one tick of the clock bear the same time.
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    });
}

#[test]
fn a_directory_is_no_source() {
    assert!(matches!(valet_client::Source::open("/"), Err(Error::Source { .. })));
    assert!(matches!(valet_client::Source::open("/nothing/here"), Err(Error::Source { .. })));
}

/// An upload of `file` that was stopped after its first parts.
fn stopped(fake: &Fake, file: &TestFile) -> valet_client::Ticket {
    let stop = Stop::new();
    let its_stop = stop.clone();
    let watch = Watch::on_part(move |number| {
        if number >= 5 {
            its_stop.stop();
        }
    });
    let stopped = upload(&fake.api(), &file.source(), "video/mp4", &options(), &watch, &stop);
    let Err(Error::Stopped(Some(ticket))) = stopped else { panic!("{stopped:?}") };
    assert_eq!(*ticket, watch.ticket());
    assert_eq!(fake.file(), None);
    *ticket
}

#[test]
fn a_resume_sends_only_what_is_missing() {
    let (fake, file, watch) = (Fake::start(PART), TestFile::new(60 * PART + 7), Watch::default());
    let ticket = stopped(&fake, &file);
    let (stored, log) = {
        let mut state = fake.state();
        let stored: Vec<_> = state.uploads["u1"].stored.keys().copied().collect();
        (stored, std::mem::take(&mut state.log))
    };
    assert!(!stored.is_empty() && log.len() < 60, "{log:?}");
    let found = stored.len() as u64 * PART;
    let uploaded = run_again(&fake, &file, &ticket, &watch).unwrap();
    assert_eq!(fake.file().unwrap(), file.bytes);
    for number in &stored {
        assert_eq!(fake.count(&format!("PUT {number}")), 0, "part {number} was there");
    }
    assert_eq!(uploaded.found_bytes, found);
    assert_eq!(uploaded.sent_bytes, 60 * PART + 7 - found);
    assert_eq!(uploaded.crc64nvme, Some(crc(&file.bytes)));
    assert_eq!(watch.shown(), 60 * PART + 7);
}

#[test]
fn a_resume_of_a_changed_file_is_refused() {
    let (fake, file) = (Fake::start(PART), TestFile::new(60 * PART));
    let ticket = stopped(&fake, &file);
    let mut open = OpenOptions::new().append(true).open(&file.path).unwrap();
    let written = fs::metadata(&file.path).unwrap().modified().unwrap();
    open.write_all(b"x").unwrap();
    assert!(matches!(run_again(&fake, &file, &ticket, &Watch::default()), Err(Error::FileChanged(_))));
    open.set_len(60 * PART).unwrap();
    open.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert!(matches!(run_again(&fake, &file, &ticket, &Watch::default()), Err(Error::FileChanged(_))));
    // Other bytes under the same time are found by their checksum.
    let first = *fake.state().uploads["u1"].stored.keys().next().unwrap();
    let open = OpenOptions::new().write(true).open(&file.path).unwrap();
    open.write_at(b"other", (first - 1) * PART).unwrap();
    open.set_modified(written).unwrap();
    let refused = run_again(&fake, &file, &ticket, &Watch::default());
    assert!(matches!(refused, Err(Error::FileChanged(why)) if why.contains(&format!("part {first} "))));
    assert_eq!(fake.count("confirm"), 0);
}

#[test]
fn a_resume_of_what_is_ready_sends_nothing() {
    let (fake, file, watch) = (Fake::start(PART), TestFile::new(3 * PART), Watch::default());
    run(&fake, &file, &watch).unwrap();
    fake.state().log.clear();
    let uploaded = run_again(&fake, &file, &watch.ticket(), &Watch::default()).unwrap();
    assert_eq!((uploaded.file.id.as_str(), uploaded.sent_bytes), ("u1", 0));
    assert_eq!(fake.state().log, ["read"]);
}

#[test]
fn a_single_put_is_resumed() {
    for stored in [false, true] {
        let (fake, file, watch) = (Fake::start(PART), TestFile::new(PART), Watch::default());
        let fault = || Fault::Answer(500, "", serde_json::json!({"code": "internal_error"}));
        (0..100).for_each(|_| fake.fault("confirm", fault()));
        let mut options = options();
        options.patience = std::time::Duration::ZERO;
        let mut settings = fake.settings();
        settings.tries = 1;
        let api = valet_client::Api::new(settings).unwrap();
        let gave_up = upload(&api, &file.source(), "video/mp4", &options, &watch, &Stop::new());
        assert!(matches!(gave_up, Err(Error::GaveUp { .. })), "{gave_up:?}");
        {
            let mut state = fake.state();
            state.faults.clear();
            state.log.clear();
            if !stored {
                state.uploads.get_mut("u1").unwrap().stored.clear();
            }
        }
        run_again(&fake, &file, &watch.ticket(), &Watch::default()).unwrap();
        assert_eq!(fake.file().unwrap(), file.bytes);
        assert_eq!(fake.count("PUT 1"), usize::from(!stored));
    }
}

#[test]
fn a_resume_elsewhere_is_refused() {
    let (fake, other, file, watch) =
        (Fake::start(PART), Fake::start(PART), TestFile::new(3 * PART), Watch::default());
    run(&fake, &file, &watch).unwrap();
    let refused = resume(&other.api(), &watch.ticket(), &file.source(), &options(), &(), &Stop::new());
    assert!(matches!(refused, Err(Error::Settings(_))));
}

#[test]
fn a_stop_before_the_grant_has_no_ticket() {
    let (fake, file) = (Fake::start(PART), TestFile::new(PART));
    let stop = Stop::new();
    stop.stop();
    for _ in 0..10 {
        fake.fault(
            "issue",
            Fault::Answer(503, "retry-after: 60\r\n", serde_json::json!({"code": "try_later"})),
        );
    }
    let stopped = upload(&fake.api(), &file.source(), "video/mp4", &options(), &(), &stop);
    assert!(matches!(stopped, Err(Error::Stopped(None))), "{stopped:?}");
}
