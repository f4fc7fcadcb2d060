//! Uploads that nothing disturbs.

use crate::fake::{Fake, crc};
use crate::{PART, TestFile, Watch, options, run};
use valet_client::{Error, Stop, upload};

#[test]
fn a_file_of_many_parts_arrives_byte_for_byte() {
    for size in [PART + 1, 2 * PART, 33 * PART + 123] {
        let (fake, file, watch) = (Fake::start(PART), TestFile::new(size), Watch::default());
        let uploaded = run(&fake, &file, &watch).unwrap();
        assert_eq!(fake.file().unwrap(), file.bytes);
        assert_eq!((uploaded.sent_bytes, uploaded.found_bytes, uploaded.retries), (size, 0, 0));
        assert_eq!(uploaded.crc64nvme.as_deref(), Some(&*crc(&file.bytes)));
        assert_eq!(uploaded.file.size, size);
        assert_eq!(watch.shown(), size);
        let mut done = watch.done.lock().unwrap().clone();
        done.sort_unstable();
        assert!(done.into_iter().eq(1..=u32::try_from(size.div_ceil(PART)).unwrap()));
        let state = fake.state();
        assert_eq!(state.received, size);
        assert_eq!(state.confirmations[0]["checksum"]["crc64nvme"], crc(&file.bytes));
        assert_eq!(state.confirmations[0]["parts"].as_array().unwrap().len() as u64, size.div_ceil(PART));
    }
}

#[test]
fn parts_beyond_the_grants_are_signed_by_the_batch() {
    let (fake, file) = (Fake::start(PART), TestFile::new(90 * PART));
    run(&fake, &file, &Watch::default()).unwrap();
    // 20 with the grant, then 32 and 64 at most.
    assert!((2..=4).contains(&fake.count("parts")), "{}", fake.count("parts"));
}

#[test]
fn a_small_file_goes_in_one_piece() {
    for size in [1, PART - 1, PART] {
        let (fake, file, watch) = (Fake::start(PART), TestFile::new(size), Watch::default());
        let uploaded = run(&fake, &file, &watch).unwrap();
        assert_eq!(fake.file().unwrap(), file.bytes);
        assert_eq!(uploaded.sent_bytes, size);
        assert_eq!(watch.ticket().part_size, None);
        // A checksum is for parts alone.
        assert!(fake.state().confirmations[0].is_null());
    }
}

#[test]
fn a_part_size_of_ones_own_is_asked_for() {
    let (fake, file) = (Fake::start(PART), TestFile::new(10 * PART));
    let mut options = options();
    options.part_size = Some(3 * PART);
    let watch = Watch::default();
    upload(&fake.api(), &file.source(), "video/mp4", &options, &watch, &Stop::new()).unwrap();
    assert_eq!(watch.done.lock().unwrap().len(), 4);
    assert_eq!(fake.file().unwrap(), file.bytes);
}

#[test]
fn without_checksums_the_etags_are_confirmed() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    let mut options = options();
    options.checksums = false;
    let uploaded = upload(&fake.api(), &file.source(), "video/mp4", &options, &(), &Stop::new()).unwrap();
    assert_eq!(uploaded.crc64nvme, None);
    let state = fake.state();
    assert!(state.confirmations[0].get("checksum").is_none());
    assert_eq!(state.confirmations[0]["parts"].as_array().unwrap().len(), 3);
}

#[test]
fn storage_without_checksums_is_taken_at_its_word() {
    let (fake, file) = (Fake::start(PART), TestFile::new(3 * PART));
    fake.state().checksums = false;
    let uploaded = run(&fake, &file, &Watch::default()).unwrap();
    assert_eq!(uploaded.crc64nvme, Some(crc(&file.bytes)));
}

#[test]
fn a_sha256_is_computed_beforehand_if_asked_for() {
    let (fake, file) = (Fake::start(PART), TestFile::new(100));
    let refused = serde_json::json!({"code": "invalid_request", "detail": "no", "errors": []});
    fake.fault("issue", crate::fake::Fault::Answer(400, "", refused));
    let mut options = options();
    options.sha256 = true;
    let refused = upload(&fake.api(), &file.source(), "video/mp4", &options, &(), &Stop::new());
    assert!(matches!(refused, Err(Error::Refused { status: 400, .. })));
    upload(&fake.api(), &file.source(), "video/mp4", &options, &(), &Stop::new()).unwrap();
    assert_eq!(fake.file().unwrap(), file.bytes);
}
