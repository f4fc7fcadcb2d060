//! Files travel, stop, go on and come back, as somebody at a terminal sees it.

#![expect(clippy::unwrap_used, reason = "in tests, also outside of test functions")]

mod fake;

use fake::{Fake, PART_SIZE, token, without};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A stack, a folder to work in, and the client's own memory.
struct Desk {
    fake: Fake,
    folder: PathBuf,
}

impl Desk {
    fn new(lacks: &'static str) -> Self {
        let folder = std::env::temp_dir().join(format!("valet-test-{}", Uuid::now_v7()));
        fs::create_dir_all(&folder).unwrap();
        Self { fake: without(lacks), folder }
    }

    /// A file that passes for a PDF.
    fn pdf(&self, name: &str, size: usize) -> PathBuf {
        let path = self.folder.join(name);
        let content: Vec<u8> = b"%PDF-".iter().copied().chain((0..=250).cycle()).take(size).collect();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_valet"));
        command.env_clear().env("VALET_API", &self.fake.api).env("VALET_TOKEN", token("alice"));
        command.env("XDG_STATE_HOME", self.folder.join("state")).current_dir(&self.folder);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn tickets(&self) -> Vec<PathBuf> {
        let listed =
            fs::read_dir(self.folder.join("state/valet")).unwrap().map(|entry| entry.unwrap().path());
        listed.filter(|path| path.is_file()).collect()
    }

    /// Begins an upload, waits until storage has its first parts and no more come, and presses Ctrl-C.
    fn interrupted(&self, path: &Path) -> Output {
        self.fake.stick_from(5);
        let mut command = self.command(&["upload", "--json", path.to_str().unwrap()]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.fake.parts() < 4 {
            assert!(Instant::now() < deadline, "no parts arrive");
            thread::sleep(Duration::from_millis(10));
        }
        press_ctrl_c(&child);
        let pressed = Instant::now();
        let output = child.wait_with_output().unwrap();
        assert!(pressed.elapsed() < Duration::from_secs(2), "it took {:?} to stop", pressed.elapsed());
        self.fake.stick_from(usize::MAX);
        output
    }
}

fn press_ctrl_c(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The last event of a run.
fn last(output: &Output) -> Value {
    serde_json::from_str(out(output).lines().last().unwrap_or_else(|| panic!("{}", err(output)))).unwrap()
}

#[test]
fn a_file_goes_in_parts_and_comes_back_as_it_was() {
    let desk = Desk::new("");
    let path = desk.pdf("paper.pdf", 10 * PART_SIZE + 7);
    let done = desk.run(&["upload", "paper.pdf"]);
    assert_eq!(done.status.code(), Some(0), "{}", err(&done));
    let (id, url) =
        out(&done).trim().split_once("  ").map(|(id, url)| (id.to_owned(), url.to_owned())).unwrap();
    assert!(url.ends_with(&format!("{id}.pdf")));
    assert_eq!(desk.tickets(), [""; 0].map(PathBuf::from), "nothing is left to resume");
    let got = desk.run(&["get", &id, "-o", "copy.pdf"]);
    assert_eq!(got.status.code(), Some(0), "{}", err(&got));
    assert_eq!(fs::read(desk.folder.join("copy.pdf")).unwrap(), fs::read(path).unwrap());
    assert!(out(&desk.run(&["ls"])).contains("paper.pdf"));
    assert_eq!(desk.run(&["rm", &id]).status.code(), Some(0));
    assert_eq!((out(&desk.run(&["ls"])), desk.fake.keys().len()), (String::new(), 0));
    assert_eq!(desk.run(&["get", &id, "-o", "gone.pdf"]).status.code(), Some(4));
}

#[test]
fn ctrl_c_leaves_an_upload_that_goes_on_where_it_was() {
    let desk = Desk::new("");
    let path = desk.pdf("film.pdf", 10 * PART_SIZE);
    let stopped = desk.interrupted(&path);
    assert_eq!(stopped.status.code(), Some(130), "{}", err(&stopped));
    let [ticket] = &desk.tickets()[..] else { panic!("not one ticket") };
    let id = ticket.file_stem().unwrap().to_str().unwrap();
    assert!(err(&stopped).contains(&format!("valet resume {id}")), "{}", err(&stopped));
    assert_eq!(ticket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(ticket).unwrap();
    for secret in ["Signature", "bucket", &token("alice")] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(out(&desk.run(&["resume", "--list"])).contains(id));
    let resumed = desk.run(&["resume", "--json"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", err(&resumed));
    let done = last(&resumed);
    assert_eq!((done["foundBytes"].as_u64(), done["sentBytes"].as_u64()), (Some(4 * 4096), Some(6 * 4096)));
    assert_eq!(desk.fake.content(), fs::read(path).unwrap());
    assert_eq!(desk.tickets().len(), 0);
}

#[test]
fn the_same_command_again_goes_on_as_well_and_fresh_does_not() {
    let desk = Desk::new("");
    let path = desk.pdf("film.pdf", 10 * PART_SIZE);
    desk.interrupted(&path);
    let again = desk.run(&["upload", "--json", "film.pdf"]);
    assert!(err(&again).contains("going on"), "{}", err(&again));
    assert_eq!(last(&again)["foundBytes"], 4 * PART_SIZE);
    desk.interrupted(&desk.pdf("other.pdf", 10 * PART_SIZE));
    let fresh = desk.run(&["upload", "--json", "--fresh", "other.pdf"]);
    assert_eq!(
        (fresh.status.code(), last(&fresh)["foundBytes"].as_u64()),
        (Some(0), Some(0)),
        "{}",
        err(&fresh)
    );
    assert_eq!((desk.tickets().len(), desk.fake.alive().len()), (0, 2), "the one of before is cancelled");
}

#[test]
fn an_upload_that_ended_elsewhere_is_begun_anew() {
    let desk = Desk::new("");
    let path = desk.pdf("film.pdf", 10 * PART_SIZE);
    desk.interrupted(&path);
    let id = desk.tickets()[0].file_stem().unwrap().to_str().unwrap().to_owned();
    let mut elsewhere = desk.command(&["rm", &id]);
    assert!(elsewhere.env("XDG_STATE_HOME", desk.folder.join("elsewhere")).status().unwrap().success());
    let anew = desk.run(&["upload", "--json", "film.pdf"]);
    assert_eq!(
        (anew.status.code(), last(&anew)["foundBytes"].as_u64()),
        (Some(0), Some(0)),
        "{}",
        err(&anew)
    );
    assert!(err(&anew).contains("Beginning anew"), "{}", err(&anew));
    assert_eq!((desk.tickets().len(), desk.fake.alive().len()), (0, 1));
}

#[test]
fn a_file_that_changed_is_not_gone_on_with() {
    let desk = Desk::new("");
    let path = desk.pdf("film.pdf", 10 * PART_SIZE);
    desk.interrupted(&path);
    fs::write(&path, [&fs::read(&path).unwrap()[..], b"more"].concat()).unwrap();
    let refused = desk.run(&["resume", "film.pdf"]);
    assert_eq!(refused.status.code(), Some(6), "{}", err(&refused));
    assert!(err(&refused).contains("changed"), "{}", err(&refused));
    // To upload it is to want what it is now.
    let anew = desk.run(&["upload", "--json", "film.pdf"]);
    assert_eq!(
        (anew.status.code(), last(&anew)["sentBytes"].as_u64()),
        (Some(0), Some(10 * 4096 + 4)),
        "{}",
        err(&anew)
    );
    assert_eq!((desk.tickets().len(), desk.fake.alive().len()), (0, 1));
}

#[test]
fn a_folder_is_sent_but_for_links_and_what_is_not_accepted() {
    let desk = Desk::new("");
    for name in ["in/a.pdf", "in/b/c.pdf", "in/notes.txt"] {
        desk.pdf(name, 100);
    }
    fs::write(desk.folder.join("in/empty.pdf"), "").unwrap();
    symlink("/etc/passwd", desk.folder.join("in/link.pdf")).unwrap();
    let done = desk.run(&["upload", "--json", "in"]);
    assert_eq!(done.status.code(), Some(0), "{}", err(&done));
    let events: Vec<Value> = out(&done).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names = |event: &str, key: &str| -> Vec<String> {
        let found = events.iter().filter(|found| found["event"] == event);
        found.map(|found| found[key].as_str().unwrap().rsplit("in/").next().unwrap().to_owned()).collect()
    };
    assert_eq!(names("done", "name"), ["a.pdf", "b/c.pdf"]);
    assert_eq!(names("skipped", "path"), ["link.pdf", "empty.pdf", "notes.txt"]);
}

#[test]
fn standard_input_is_sent_and_leaves_nothing_behind() {
    let desk = Desk::new("");
    let path = desk.pdf("paper.pdf", 3 * PART_SIZE);
    let mut command = desk.command(&["upload", "--quiet", "--name", "dump.pdf", "-"]);
    let done = command.stdin(fs::File::open(&path).unwrap()).output().unwrap();
    assert_eq!((done.status.code(), err(&done)), (Some(0), String::new()));
    assert!(out(&done).trim().contains("/cdn/uploads/"));
    assert_eq!(desk.fake.content(), fs::read(&path).unwrap());
    assert_eq!(fs::read_dir(desk.folder.join("state/valet/spool")).unwrap().count(), 0);
}

#[test]
fn a_download_goes_on_where_it_was_and_must_be_right() {
    let desk = Desk::new("");
    let path = desk.pdf("paper.pdf", 5 * PART_SIZE);
    let content = fs::read(&path).unwrap();
    let id = out(&desk.run(&["upload", "paper.pdf"])).split_once("  ").unwrap().0.to_owned();
    let partial = desk.folder.join(format!("copy.pdf.{id}.part"));
    fs::write(&partial, &content[..PART_SIZE]).unwrap();
    let got = desk.run(&["get", &id, "-o", "copy.pdf"]);
    assert!(err(&got).contains("going on after 4.00 KiB"), "{}", err(&got));
    assert_eq!((fs::read(desk.folder.join("copy.pdf")).unwrap(), partial.exists()), (content.clone(), false));
    // Other bytes at the beginning: right in size, wrong in sum.
    fs::write(desk.folder.join(format!("bad.pdf.{id}.part")), vec![0; PART_SIZE]).unwrap();
    let bad = desk.run(&["get", &id, "-o", "bad.pdf"]);
    assert_eq!((bad.status.code(), desk.folder.join("bad.pdf").exists()), (Some(1), false));
    assert!(err(&bad).contains("CRC64NVME"), "{}", err(&bad));
    let kept = desk.run(&["get", &id, "-o", "copy.pdf"]);
    assert_eq!((kept.status.code(), err(&kept).contains("--force")), (Some(1), true));
    assert_eq!(desk.run(&["get", &id, "-o", "-"]).stdout, content);
}

/// CloudFront gives no more than 50 GB to one request. That a file of more than one range comes in several is tested in `get.rs`.
#[test]
fn a_download_never_asks_for_more_than_it_says() {
    let desk = Desk::new("");
    let path = desk.pdf("paper.pdf", 5 * PART_SIZE);
    let id = out(&desk.run(&["upload", "paper.pdf"])).split_once("  ").unwrap().0.to_owned();
    assert_eq!(desk.run(&["get", &id, "-o", "copy.pdf"]).status.code(), Some(0));
    fs::write(desk.folder.join(format!("more.pdf.{id}.part")), &fs::read(path).unwrap()[..PART_SIZE])
        .unwrap();
    assert_eq!(desk.run(&["get", &id, "-o", "more.pdf"]).status.code(), Some(0));
    assert_eq!(desk.fake.ranges(), ["bytes=0-20479", "bytes=4096-20479"]);
}

#[test]
fn a_file_that_is_not_what_it_is_called_is_refused_for_good() {
    let desk = Desk::new("");
    fs::write(desk.folder.join("web.pdf"), "<!doctype html>").unwrap();
    let refused = desk.run(&["upload", "--json", "web.pdf"]);
    assert_eq!(refused.status.code(), Some(1), "{}", err(&refused));
    assert_eq!(
        (last(&refused)["code"].as_str(), last(&refused)["resume"].as_str()),
        (Some("content_mismatch"), None)
    );
    assert_eq!(desk.tickets().len(), 0);
    let unknown = desk.run(&["upload", "Cargo.toml"]);
    assert_eq!(
        (unknown.status.code(), err(&unknown).contains(".png .pdf")),
        (Some(1), true),
        "{}",
        err(&unknown)
    );
}

#[test]
fn exit_codes_tell_scripts_what_to_do() {
    let desk = Desk::new("");
    desk.pdf("a.pdf", 10);
    let code = |command: &mut Command| command.output().unwrap().status.code();
    assert_eq!(code(&mut desk.command(&["upload"])), Some(2));
    assert_eq!(code(desk.command(&["upload", "a.pdf"]).env_remove("VALET_TOKEN")), Some(2));
    assert_eq!(code(desk.command(&["upload", "a.pdf"]).env("VALET_TOKEN", "garbage")), Some(3));
    assert_eq!(code(&mut desk.command(&["resume", "nothing"])), Some(4));
    assert_eq!(code(&mut desk.command(&["get", "01936f2e-8b5a-7c3d-9e4f-0123456789ab"])), Some(4));
    let both = desk.command(&["--help"]).output().unwrap();
    assert!(out(&both).contains("Exit codes:") && out(&both).contains("130"));
}

#[test]
fn a_folder_goes_on_after_waiting_for_room() {
    let desk = Desk::new("");
    for name in ["photos/a.pdf", "photos/b.pdf", "photos/c.pdf"] {
        desk.pdf(name, 100);
    }
    // More often than a call is tried otherwise.
    for _ in 0..8 {
        desk.fake.refuse(429, "too_many_pending", "100 uploads are pending, which is the most");
    }
    desk.fake.refuse(429, "too_many_grants", "600 uploads were granted in this minute, which is the most");
    let done = desk.run(&["upload", "photos"]);
    assert_eq!(done.status.code(), Some(0), "{}", err(&done));
    assert_eq!((out(&done).lines().count(), desk.fake.keys().len()), (3, 3));
    let said = err(&done);
    assert_eq!(said.matches("a.pdf: waiting 0 s for room: ").count(), 9, "{said}");
    assert!(said.contains("100 uploads are pending") && said.contains("600 uploads were granted"), "{said}");
}

#[test]
fn a_wait_for_room_is_an_event() {
    let desk = Desk::new("");
    desk.pdf("a.pdf", 100);
    desk.fake.refuse(429, "too_many_grants", "wait");
    let done = desk.run(&["upload", "--json", "a.pdf"]);
    let first: Value = serde_json::from_str(out(&done).lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["event"], &first["code"], &first["name"]),
        (&"waiting".into(), &"too_many_grants".into(), &"a.pdf".into())
    );
    assert_eq!(last(&done)["event"], "done");
}

#[test]
fn holding_as_much_as_one_may_has_a_code_of_its_own_and_the_apis_sentence() {
    let desk = Desk::new("");
    for name in ["photos/a.pdf", "photos/b.pdf"] {
        desk.pdf(name, 100);
    }
    desk.fake.refuse(403, "quota_exceeded", "this does not fit: of at most 7 bytes, 5 are held");
    let done = desk.run(&["upload", "photos"]);
    assert_eq!(done.status.code(), Some(7), "{}", err(&done));
    let sentence = "a.pdf: there is no room: this does not fit: of at most 7 bytes, 5 are held";
    assert!(err(&done).contains(sentence), "{}", err(&done));
    assert!(out(&done).contains("http"), "a smaller one may still fit");
    assert_eq!(desk.tickets().len(), 0);
}

#[test]
fn what_is_held_is_told_with_its_limits() {
    let desk = Desk::new("");
    desk.pdf("a.pdf", 3000);
    assert_eq!(desk.run(&["upload", "a.pdf"]).status.code(), Some(0));
    let told = out(&desk.run(&["usage"]));
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        told.lines().map(words).collect::<Vec<_>>(),
        [
            "files 1 of 10000",
            "bytes 2.93 KiB no limit",
            "pending uploads 0 of 100",
            "grants this minute 0 of 600"
        ]
    );
    let json: Value = serde_json::from_str(&out(&desk.run(&["usage", "--json"]))).unwrap();
    assert_eq!((&json["bytes"]["used"], json["bytes"].get("limit")), (&3000.into(), None));
}
