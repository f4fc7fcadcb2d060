//! The probe finds every hole there is to find, and none where there is none.

#![expect(clippy::unwrap_used, reason = "in tests, also outside of test functions")]

#[expect(dead_code, reason = "the tests of files use the rest")]
mod fake;

use fake::{Fake, token, without};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::thread;

fn probe(fake: &Fake, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_valet"));
    command.env_clear().args(["probe", "--api", &fake.api, "--json", "--deletion-wait", "1"]).args(options);
    command.env("VALET_TOKEN", token("alice")).env("VALET_OTHER_TOKEN", token("bob")).output().unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn ids_of(report: &Value, verdict: &str) -> Vec<String> {
    let rows = report["checks"].as_array().unwrap().iter().filter(|row| row["verdict"] == verdict);
    rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Every check there is, by its id.
fn checks() -> BTreeSet<String> {
    let fake = without("");
    let output = probe(&fake, &["--engine", "deployed", "--quick"]);
    report(&output)["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_stack_with_every_control_holds_and_is_left_as_it_was() {
    let fake = without("");
    let output = probe(&fake, &["--engine", "deployed"]);
    let report = report(&output);
    assert_eq!(ids_of(&report, "held").len(), report["checks"].as_array().unwrap().len(), "{report:#}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!((fake.keys(), fake.alive()), (vec![], vec![]));
    assert_eq!(report["left"], serde_json::json!([]));
}

#[test]
fn each_control_taken_away_turns_exactly_its_row_into_a_hole() {
    let checks: Vec<&'static str> = checks().into_iter().map(|id| &*id.leak()).collect();
    assert!(checks.len() > 50, "{checks:?}");
    let waiting = Mutex::new(checks.into_iter());
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                while let Some(check) = { waiting.lock().unwrap().next() } {
                    let fake = without(check);
                    // Only the URL's end needs the wait for it.
                    let options: &[&str] = if check == "expired" { &[] } else { &["--quick"] };
                    let output = probe(&fake, &[&["--engine", "deployed"], options].concat());
                    let report = report(&output);
                    assert_eq!(ids_of(&report, "HOLE"), [check], "{report:#}");
                    assert_eq!(ids_of(&report, "no answer"), [""; 0], "without {check}: {report:#}");
                    assert_eq!(output.status.code(), Some(1), "without {check}");
                    // What a stranger could make is a stranger's, and cannot be removed but can be told of.
                    let left = report["left"].to_string();
                    let untold: Vec<_> = fake.alive().into_iter().filter(|id| !left.contains(id)).collect();
                    assert_eq!(untold, [""; 0], "without {check} uploads stay: {left}");
                }
            });
        }
    });
}

#[test]
fn what_the_local_engine_lacks_is_excused_there_and_nowhere_else() {
    let fake = without("https-api");
    let output = probe(&fake, &["--quick"]);
    assert_eq!(ids_of(&report(&output), "not enforced here"), ["https-api"]);
    assert_eq!(output.status.code(), Some(0));
    let fake = without("put-larger");
    let output = probe(&fake, &["--quick"]);
    assert_eq!(ids_of(&report(&output), "HOLE"), ["put-larger"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn ctrl_c_ends_it_and_what_was_made_is_removed() {
    let fake = without("");
    let mut command = Command::new(env!("CARGO_BIN_EXE_valet"));
    command
        .env_clear()
        .env("VALET_TOKEN", token("alice"))
        .args(["probe", "--api", &fake.api, "--engine", "deployed"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("a second PUT")));
    assert!(fake.alive().len() > 5, "something is there to be removed");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(rest.contains(&"Everything that was made has been removed.".to_owned()), "{rest:?}");
    assert_eq!((fake.keys(), fake.alive()), (vec![], vec![]));
}

#[test]
fn silence_is_no_proof_of_anything() {
    let output = probe(&without("silence"), &["--quick", "--engine", "deployed"]);
    assert_eq!(ids_of(&report(&output), "no answer"), ["https-cdn"]);
    assert_eq!(ids_of(&report(&output), "HOLE"), [""; 0]);
    assert_eq!(output.status.code(), Some(5));
}

#[test]
fn without_a_second_user_nothing_is_claimed_about_one() {
    let fake = without("");
    let mut command = Command::new(env!("CARGO_BIN_EXE_valet"));
    command.env_clear().env("VALET_TOKEN", token("alice"));
    let output = command.args(["probe", "--api", &fake.api, "--json", "--quick"]).output().unwrap();
    assert_eq!(ids_of(&report(&output), "not tried"), ["user-pending", "user-ready", "expired"]);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_token_that_is_not_accepted_and_an_api_that_is_not_there_are_told_apart() {
    let run = |api: &str, token: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_valet"));
        command.env_clear().args(["probe", "--api", api]).env("VALET_TOKEN", token).output().unwrap()
    };
    let fake = without("");
    let refused = run(&fake.api, "garbage");
    assert_eq!((refused.status.code(), refused.stdout.is_empty()), (Some(3), true));
    assert!(!String::from_utf8_lossy(&refused.stderr).contains("garbage"));
    // Nothing listens on port 1.
    assert_eq!(run("http://127.0.0.1:1", &token("alice")).status.code(), Some(5));
    assert_eq!(run("http://api.example.com", &token("alice")).status.code(), Some(2));
}
