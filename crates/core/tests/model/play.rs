//! Plays a history: lets calls go on in the order the script says, moves the model along, and compares the two, after every call that may
//! have changed something, after every step, and at the end, when time has passed and the sweep has run.

use crate::life::{Found, GRACE, LAST_LOOK, Life, Move, Outcome, PATIENCE, Pictures, REMEMBERED, Seen};
use crate::ports::Gate;
use crate::script::{Act, Allowed, Call, EVERYTHING, Fate, Renders, Step};
use crate::world::{Entry, LIMITS, World, allowed_bytes, life_of, multipart_id, owner_of, row_bytes};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use time::{Duration, OffsetDateTime};
use valet_core::sweep_uploads::Limits;
use valet_core::upload::State;
use valet_core::{Upload, UploadId};

/// What comes after a history, before everything must be in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every event comes, once more if it came before.
    Events,
    /// No event comes any more.
    Silence,
}

pub(crate) fn endings() -> impl Strategy<Value = Ending> {
    prop_oneof![Just(Ending::Events), Just(Ending::Silence)]
}

/// Plays a history and says what was not in order. Storage in memory panics at what S3 would never be asked for: that is not in order either.
pub(crate) fn play(history: &[Step], ending: Ending) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| play_to_the_end(history, ending))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        Err(format!("it panicked: {}", text.or(panic.downcast_ref().copied()).unwrap_or_default()))
    })
}

fn play_to_the_end(history: &[Step], ending: Ending) -> Result<(), String> {
    let world = World::default();
    for (number, step) in history.iter().enumerate() {
        take(&world, step).map_err(|wrong| format!("step {number}, {step:?}: {wrong}"))?;
    }
    end(&world, ending).map_err(|wrong| format!("{ending:?} at the end: {wrong}"))
}

type Rows = BTreeMap<UploadId, Upload>;

macro_rules! ensure {
    ($holds:expr, $($wrong:tt)*) => {
        if !$holds {
            return Err(format!($($wrong)*));
        }
    };
}

/// What a run has come to.
struct Ran {
    /// Its answer; none where it was killed.
    answer: Option<String>,
    /// Whether nothing befell it.
    is_fine: bool,
}

fn take(world: &World, step: &Step) -> Result<(), String> {
    let rows = world.rows();
    let first_new = world.entries.borrow().len();
    for act in &step.acts {
        world.prepare(&act.call);
    }
    if world.entries.borrow().is_empty() {
        // Nobody has asked for anything yet.
        return Ok(());
    }
    let before: Vec<_> = (0..world.entries.borrow().len()).map(|entry| world.found(entry, &rows)).collect();
    let lives: Vec<_> = world.entries.borrow().iter().map(|entry| entry.life.clone()).collect();
    let meant: Vec<_> = meant(world, step, first_new);
    // What a call is about is what its number meant when it was made.
    let expected = match &*step.acts {
        [act] => expect(world, &act.call, meant[0], &before),
        _ => None,
    };
    let now = world.now.get();
    let ran = run(world, step, first_new)?;
    for ((act, meant), ran) in step.acts.iter().zip(&meant).zip(&ran) {
        if !ran.is_fine {
            disturb(world, &act.call, *meant);
        }
    }
    world.requeued();
    let (rows_before, rows) = (rows, world.rows());
    match (&*ran, expected) {
        ([Ran { answer: Some(answer), is_fine: true }], Some(expected)) => {
            exactly(world, &step.acts[0].call, meant[0], &lives, &rows, expected, answer)?;
        }
        _ => possibly(world, step, &meant, &lives, &before, &rows, now)?,
    }
    if let ([Act { call: Call::Sweep { time_for: EVERYTHING }, .. }], [Ran { is_fine: true, .. }]) =
        (&*step.acts, &*ran)
    {
        swept_each(world, &lives, &before, &rows_before, &rows)?;
    }
    for (entry, was) in world.entries.borrow_mut().iter_mut().zip(&lives) {
        let row = rows.get(&entry.id);
        entry.life = life_of(row);
        if *was != entry.life
            && let Some(Upload { state: State::Ready(verified), .. }) = row
        {
            entry.confirmed_at = Some(verified.confirmed_at);
        }
    }
    for ((act, meant), ran) in step.acts.iter().zip(&meant).zip(&ran) {
        if ran.is_fine {
            kept_its_word(world, &act.call, *meant, ran.answer.as_deref(), step.acts.len() == 1, &rows)?;
        }
    }
    between_steps(world, &rows)
}

fn meant(world: &World, step: &Step, first_new: usize) -> Vec<Option<usize>> {
    let mut new = first_new;
    let meant = step.acts.iter().map(|act| {
        if let Call::Issue { .. } = act.call {
            new += 1;
            Some(new - 1)
        } else {
            world.meant(&act.call)
        }
    });
    meant.collect()
}

/// Lets the calls go on in the order of the script.
fn run(world: &World, step: &Step, first_new: usize) -> Result<Vec<Ran>, String> {
    let gates: Vec<_> = step.acts.iter().map(|act| Gate::new(fault(act.fate))).collect();
    // Who works off an event has it from the beginning.
    let told: Vec<_> = step.acts.iter().map(|act| world.told_by(&act.call)).collect();
    let mut new = first_new;
    let mut tasks: Vec<_> = step
        .acts
        .iter()
        .zip(&gates)
        .enumerate()
        .map(|(number, (act, gate))| {
            let reserved = new;
            new += usize::from(matches!(act.call, Call::Issue { .. }));
            Task {
                number,
                future: Box::pin(world.perform(&act.call, reserved, told[number].as_ref(), gate)),
                turns: 0,
            }
        })
        .collect();
    let mut answers: Vec<Option<String>> = step.acts.iter().map(|_| None).collect();
    let mut watched = life_rows(&world.rows());
    let mut turns = step.turns.iter();
    let mut context = Context::from_waker(Waker::noop());
    while !tasks.is_empty() {
        let place = turns.next().map_or(0, |turn| usize::from(*turn) % tasks.len());
        let task = &mut tasks[place];
        if step.acts[task.number].fate == Fate::Killed(task.turns) {
            tasks.remove(place);
            continue;
        }
        task.turns = task.turns.saturating_add(1);
        let number = task.number;
        if let Poll::Ready(answer) = task.future.as_mut().poll(&mut context) {
            answers[number] = Some(answer);
            tasks.remove(place);
        }
        if gates[number].has_written() {
            world.notice();
            let rows = world.rows();
            let lives = life_rows(&rows);
            at_all_times(world, &rows, &watched, &lives)?;
            watched = lives;
        }
    }
    let ran = answers.into_iter().zip(&gates).map(|(answer, gate)| {
        let is_fine = answer.is_some() && !gate.has_failed();
        Ran { answer, is_fine }
    });
    Ok(ran.collect())
}

/// A call that has not ended.
struct Task<'a> {
    number: usize,
    future: Pin<Box<dyn Future<Output = String> + 'a>>,
    turns: u8,
}

fn fault(fate: Fate) -> Option<crate::ports::Fault> {
    match fate {
        Fate::Fails(fault) => Some(fault),
        Fate::Fine | Fate::Killed(_) => None,
    }
}

fn life_rows(rows: &Rows) -> BTreeMap<UploadId, Life> {
    rows.iter().map(|(id, row)| (*id, life_of(Some(row)))).collect()
}

fn disturb(world: &World, call: &Call, meant: Option<usize>) {
    let mut entries = world.entries.borrow_mut();
    match (call, meant) {
        (_, Some(entry)) => entries[entry].is_disturbed = true,
        (Call::Sweep { .. }, None) => entries.iter_mut().for_each(|entry| entry.is_disturbed = true),
        _ => {}
    }
}

fn seen<'a>(world: &'a World, entry: usize, life: &'a Life, found: &'a Found) -> Seen<'a> {
    let entry = &world.entries.borrow()[entry];
    Seen { file: entry.file, life, ends_at: entry.ends_at(), found, now: world.now.get() }
}

/// What one call must answer and do, where that is certain; its answer may be left open.
fn expect(world: &World, call: &Call, meant: Option<usize>, before: &[Found]) -> Option<Outcome> {
    let life = meant.map(|entry| world.entries.borrow()[entry].life.clone());
    let seen = || {
        let entry = meant.expect("a call about an upload means one");
        seen(world, entry, life.as_ref().expect("it has one"), &before[entry])
    };
    Some(match call {
        Call::Wait(_) | Call::Visit(_) | Call::Limit(_) => ("ok".to_owned(), Vec::new()),
        Call::Issue { .. } => issued(world, meant.expect("it was prepared")),
        // What a client may send is the bucket's to say, and tested with it.
        Call::Put { .. } | Call::PutPart { .. } | Call::Overwrite { .. } => (String::new(), Vec::new()),
        Call::Resign(_) => seen().sign(false),
        Call::SignParts(_) => seen().sign(true),
        Call::Confirm { said, .. } => seen().confirm(*said),
        Call::Cancel(_) => seen().cancel(),
        Call::Delete(_) => seen().delete(),
        Call::Read(_) => seen().read(),
        Call::Trespass(_) => (["not_found"; 7].join(", "), Vec::new()),
        Call::List { owner, .. } => (format!("{:?}", files_of(world, *owner)), Vec::new()),
        Call::Arrive { names_version, renders, .. } => match world.told_by(call) {
            Some(told) => {
                let version = names_version.then(|| told.version.as_str().to_owned());
                seen().arrive(version.as_deref(), *renders)
            }
            None => ("nothing".to_owned(), Vec::new()),
        },
        // What it does is not one upload's.
        Call::Sweep { .. } => return None,
    })
}

/// The model's list of an owner's files, the newest first.
fn files_of(world: &World, owner: u8) -> Vec<usize> {
    let entries = world.entries.borrow();
    let is_file =
        |number: &usize| entries[*number].owner == owner && matches!(entries[*number].life, Life::Ready(..));
    (0..entries.len()).rev().filter(is_file).collect()
}

/// What a request for a grant comes to.
fn issued(world: &World, number: usize) -> Outcome {
    let entries = world.entries.borrow();
    let entry = &entries[number];
    let now = world.now.get();
    if let Some(refusal) = entry.file.refusal() {
        return (refusal.to_owned(), Vec::new());
    }
    let is_known = |other: &Entry| {
        entry.key.is_some()
            && (other.owner, other.key) == (entry.owner, entry.key)
            && other.life != Life::Nothing
            && now < other.asked_at + REMEMBERED
    };
    let Some(known) = (0..number).rfind(|other| is_known(&entries[*other])) else {
        return match beyond(world, &entries, number) {
            Some(refusal) => (refusal.to_owned(), Vec::new()),
            None => (format!("signed {number}"), vec![Move::Grant]),
        };
    };
    let first = &entries[known];
    let answer = if first.file != entry.file {
        "idempotency_key_reused".to_owned()
    } else if first.life == Life::Pending && now < first.ends_at() {
        format!("signed {known}")
    } else {
        format!("known {known}")
    };
    (answer, Vec::new())
}

/// Why another upload is more than its owner may have, if it is.
fn beyond(world: &World, entries: &[Entry], number: usize) -> Option<&'static str> {
    let (allowed, entry) = (world.allowed.get(), &entries[number]);
    let his = || entries[..number].iter().filter(|other| other.owner == entry.owner);
    let held = || his().filter(|other| matches!(other.life, Life::Pending | Life::Ready(..)));
    let bytes: u64 = held().map(Entry::size_bytes).sum();
    let minute = |at: OffsetDateTime| at.unix_timestamp().div_euclid(60);
    let granted = his()
        .filter(|other| other.life != Life::Nothing && minute(other.asked_at) == minute(world.now.get()));
    let (files, pending, grants) = match allowed {
        Allowed::Everything | Allowed::Pictures(_) => (None, None, None),
        Allowed::Files(files) => (Some(files), None, None),
        Allowed::Pending(pending) => (None, Some(pending), None),
        Allowed::Grants(grants) => (None, None, Some(grants)),
        Allowed::Each(each) => (Some(each), Some(each), Some(each)),
    };
    let is_full = |has: usize, most: Option<u8>| most.is_some_and(|most| has >= usize::from(most));
    let is_too_much = allowed_bytes(allowed).is_some_and(|most| bytes + entry.size_bytes() > most);
    if is_full(held().count(), files) || is_too_much {
        Some("quota_exceeded")
    } else if is_full(held().filter(|other| other.life == Life::Pending).count(), pending) {
        Some("too_many_pending")
    } else if is_full(granted.count(), grants) {
        Some("too_many_grants")
    } else {
        None
    }
}

/// What the counters say is what the rows hold, at every moment, and is within what is allowed.
fn counters_agree(world: &World, rows: &Rows) -> Result<(), String> {
    for number in 0..2 {
        let his = || rows.values().filter(|row| row.owner == owner_of(number));
        let (mut files, mut bytes, mut pending) = (0, 0, 0);
        for row in his() {
            match life_of(Some(row)) {
                Life::Pending => (files, bytes, pending) = (files + 1, bytes + row_bytes(row), pending + 1),
                Life::Ready(..) => (files, bytes) = (files + 1, bytes + row_bytes(row)),
                _ => {}
            }
        }
        let counted = world.table.counters(owner_of(number)).held;
        let said = [counted.files, counted.bytes, counted.pending].map(|count| u64::try_from(count).ok());
        let there = [files, bytes, pending].map(Some);
        ensure!(said == there, "owner {number} holds {there:?} by the rows and {said:?} by the counters");
        let (most_files, most_pending) = match world.allowed.get() {
            Allowed::Files(files) => (Some(files), None),
            Allowed::Pending(pending) => (None, Some(pending)),
            Allowed::Each(each) => (Some(each), Some(each)),
            Allowed::Everything | Allowed::Pictures(_) | Allowed::Grants(_) => (None, None),
        };
        let is_within = |has: u64, most: Option<u8>| most.is_none_or(|most| has <= most.into());
        ensure!(is_within(files, most_files), "owner {number} has {files} files");
        ensure!(is_within(pending, most_pending), "owner {number} has {pending} pending uploads");
        let most = allowed_bytes(world.allowed.get());
        ensure!(most.is_none_or(|most| bytes <= most), "owner {number} has {bytes} bytes");
    }
    Ok(())
}

/// One call that nothing befell did exactly what the model says.
fn exactly(
    world: &World,
    call: &Call,
    meant: Option<usize>,
    lives: &[Life],
    rows: &Rows,
    (answer, mut moves): Outcome,
    answered: &str,
) -> Result<(), String> {
    ensure!(answer.is_empty() || answer == answered, "it answered {answered:?} instead of {answer:?}");
    for (number, entry) in world.entries.borrow().iter().enumerate() {
        let row = life_of(rows.get(&entry.id));
        let mut life = lives[number].clone();
        if meant == Some(number) {
            for made in &mut moves {
                // What was put together just now has its name from S3.
                if let (Move::Verify(version, _), Life::Ready(found, _)) = (made, &row)
                    && version.is_empty()
                {
                    version.clone_from(found);
                }
            }
            life = life.after_all(&moves);
        }
        ensure!(life == row, "upload {number} is {row:?} instead of {life:?} after {call:?}");
    }
    Ok(())
}

/// Of calls that ran at the same time or that something befell, everything may have happened that they can do, in any order.
fn possibly(
    world: &World,
    step: &Step,
    meant: &[Option<usize>],
    lives: &[Life],
    before: &[Found],
    rows: &Rows,
    began: OffsetDateTime,
) -> Result<(), String> {
    for (number, entry) in world.entries.borrow().iter().enumerate() {
        let mut moves = Vec::new();
        for (act, meant) in step.acts.iter().zip(meant) {
            if *meant == Some(number) || matches!(act.call, Call::Sweep { .. }) {
                moves.extend(possible(&act.call, entry, &before[number], world.now.get()));
            }
        }
        if let Some(at) = entry.confirmed_at.filter(|at| *at + PATIENCE > world.now.get()) {
            ensure!(at <= began + Duration::DAY, "upload {number} was confirmed in the future");
        }
        let row = life_of(rows.get(&entry.id));
        let life = &lives[number];
        ensure!(
            life.reachable(&moves).contains(&row),
            "upload {number} went from {life:?} to {row:?} by {moves:?}"
        );
    }
    Ok(())
}

fn possible(call: &Call, entry: &Entry, before: &Found, now: OffsetDateTime) -> Vec<Move> {
    let verdicts = || entry.objects.iter().map(|object| entry.file.verdict(object)).collect::<Vec<_>>();
    match call {
        Call::Issue { .. } if entry.file.refusal().is_none() => vec![Move::Grant],
        Call::Confirm { .. } => verdicts(),
        Call::Cancel(_) => vec![Move::Cancel],
        Call::Delete(_) => vec![Move::Delete],
        Call::Arrive { renders, .. } => [verdicts(), vec![Move::Picture(renders.pictures())]].concat(),
        Call::Sweep { .. } => {
            let mut moves = verdicts();
            // What has arrived is never taken for nothing.
            if before.versions.is_empty() && entry.ends_at() + GRACE <= now {
                moves.push(Move::Expire);
            }
            if entry.confirmed_at.is_some_and(|at| at + PATIENCE <= now) {
                moves.push(Move::Picture(Pictures::Failed("gave_up".to_owned())));
            }
            moves
        }
        _ => Vec::new(),
    }
}

/// What holds at every moment, in the middle of calls too.
fn at_all_times(
    world: &World,
    rows: &Rows,
    before: &BTreeMap<UploadId, Life>,
    now: &BTreeMap<UploadId, Life>,
) -> Result<(), String> {
    counters_agree(world, rows)?;
    let everything = world.bucket.everything();
    for (id, life) in before {
        let Some(next) = now.get(id) else { return Err(format!("the row of {id} has vanished")) };
        ensure!(life.may_become(next), "{id} went from {life:?} to {next:?}");
    }
    for kept in everything.iter().filter(|kept| kept.is_tagged) {
        let entries = world.entries.borrow();
        let of = entries.iter().find(|entry| entry.path == kept.key);
        let truth =
            of.and_then(|of| of.objects.iter().find(|object| object.version == kept.version.as_str()));
        ensure!(truth.is_some_and(|truth| truth.wrong.is_none()), "{} is served and is {truth:?}", kept.key);
    }
    for row in rows.values() {
        let Life::Ready(version, pictures) = life_of(Some(row)) else { continue };
        let key = row.key().to_string();
        let object = everything.iter().find(|kept| kept.key == *key && kept.version.as_str() == version);
        let is_whole = object.is_some_and(|object| object.is_tagged && object.size_bytes == row_bytes(row));
        ensure!(is_whole, "the file {key} has {object:?}");
        let Pictures::Made(names) = pictures else { continue };
        for name in names {
            let key = format!("thumbnails/{}/{}/{name}.", row.owner, row.id);
            let is_there = everything
                .iter()
                .any(|kept| kept.key.starts_with(&key) && kept.is_latest && !kept.is_delete_marker);
            ensure!(is_there, "the thumbnail {key} is recorded and not there");
        }
    }
    Ok(())
}

/// What a call has promised by its answer.
fn kept_its_word(
    world: &World,
    call: &Call,
    meant: Option<usize>,
    answer: Option<&str>,
    is_alone: bool,
    rows: &Rows,
) -> Result<(), String> {
    let everything = world.bucket.everything();
    let entries = world.entries.borrow();
    match (call, answer) {
        (Call::Cancel(_), Some("ok")) => {
            let entry = &entries[meant.expect("it means one")];
            ensure!(entry.life.is_tombstone(), "cancelled, and {:?}", entry.life);
            let row = &rows[&entry.id];
            let is_open =
                world.bucket.multiparts().iter().any(|(_, id)| Some(id.as_str()) == multipart_id(row));
            ensure!(!is_open, "cancelled, and its parts are kept");
            let key = &entry.path;
            let is_there = everything.iter().any(|kept| kept.key == *key);
            ensure!(!is_there || !is_alone || entry.is_overwritten, "cancelled, and the object is kept");
        }
        (Call::Delete(_), Some("ok")) => {
            let entry = &entries[meant.expect("it means one")];
            ensure!(entry.life == Life::Deleted, "deleted, and {:?}", entry.life);
            let key = &entry.path;
            let left =
                everything.iter().find(|kept| kept.key == *key || kept.key.starts_with(&entry.thumbnails));
            ensure!(left.is_none() || !is_alone, "deleted, and {left:?} is kept");
            ensure!(!is_alone || !copies(world, entry), "deleted, and the CDN has copies");
        }
        (Call::Confirm { .. }, Some("file")) => {
            let entry = &entries[meant.expect("it means one")];
            let is_file = matches!(entry.life, Life::Ready(..) | Life::Deleted);
            ensure!(is_file, "confirmed, and {:?}", entry.life);
        }
        (Call::Sweep { time_for: EVERYTHING }, answer) if is_alone => {
            ensure!(answer == Some("ok"), "the sweep said {answer:?}");
            drop(entries);
            swept(world, rows)?;
        }
        _ => {}
    }
    Ok(())
}

/// Whether the CDN would give out anything of an upload.
fn copies(world: &World, entry: &Entry) -> bool {
    let serves = |key: String| world.cdn.serves(&world.bucket, &key);
    if entry.file.is_film() {
        return false;
    }
    serves(entry.path.clone()) || serves(format!("{}small.jpg", entry.thumbnails))
}

/// A sweep that had time for everything has moved every upload that was due.
fn swept_each(
    world: &World,
    lives: &[Life],
    before: &[Found],
    rows_before: &Rows,
    rows: &Rows,
) -> Result<(), String> {
    for (number, (life, found)) in lives.iter().zip(before).enumerate() {
        let id = world.entries.borrow()[number].id;
        let looked_last = rows_before.get(&id).is_some_and(|row| is_last_look(row, world.now.get()));
        let moves = seen(world, number, life, found).sweep(looked_last);
        let (row, due) = (life_of(rows.get(&id)), life.after_all(&moves));
        ensure!(moves.is_empty() || row == due, "upload {number} is {row:?} and not {due:?} after the sweep");
    }
    Ok(())
}

/// Whether a look at a file now is the last one, at which its thumbnails are given up. What nobody has looked at for so long is asked for
/// once more before that.
fn is_last_look(row: &Upload, now: OffsetDateTime) -> bool {
    let State::Ready(verified) = &row.state else { return false };
    row.due_at.is_some_and(|due_at| (verified.confirmed_at + PATIENCE..=now).contains(&due_at))
}

/// What a sweep that had time for everything has left behind.
fn swept(world: &World, rows: &Rows) -> Result<(), String> {
    let (now, limits) = (world.now.get(), world.limits.get());
    for row in rows.values() {
        let life = life_of(Some(row));
        ensure!(life != Life::Pending || row.expires_at + GRACE > now, "{} is pending past its time", row.id);
        // What became a file in this run may have been confirmed and asked for at the same moment; a tombstone of this run is looked
        // at once more by the next.
        let is_old = matches!(&row.state, State::Ready(verified) if verified.confirmed_at < now);
        ensure!(!is_old || row.due_at.is_none_or(|due_at| due_at > now), "{} is due still, {life:?}", row.id);
        if matches!(life, Life::Ready(_, Pictures::Awaited)) {
            let ends = row.due_at.is_some_and(|due_at| due_at <= now + PATIENCE);
            ensure!(ends, "{} waits for thumbnails for ever", row.id);
        }
    }
    if limits.walk_pages > 0 {
        for (key, id) in world.bucket.multiparts() {
            let is_named =
                |row: &Upload| life_of(Some(row)) == Life::Pending && multipart_id(row) == Some(id.as_str());
            let entries = world.entries.borrow();
            let of = entries.iter().find(|entry| entry.path == key);
            // Where somebody broke in, the walk may have refused it after parts were looked at.
            let is_young = of.is_some_and(|of| of.is_overwritten || of.asked_at + limits.multipart_age > now);
            ensure!(is_young || rows.values().any(is_named), "parts of {key} are kept for nobody");
        }
    }
    Ok(())
}

/// What holds whenever nobody is at work.
fn between_steps(world: &World, rows: &Rows) -> Result<(), String> {
    let now = world.now.get();
    let everything = world.bucket.everything();
    let multiparts = world.bucket.multiparts();
    let entries = world.entries.borrow();
    for entry in entries.iter() {
        let row = rows.get(&entry.id);
        let key = &entry.path;
        will_be_looked_at(row, now)?;
        let id = row.and_then(multipart_id);
        let is_open = multiparts.iter().any(|(_, open)| Some(open.as_str()) == id);
        let has_parts = is_open || everything.iter().any(|kept| kept.key == *key);
        ensure!(
            has_parts || !entry.file.is_film() || entry.life != Life::Pending,
            "the parts of {key} are lost and it is pending"
        );
        if entry.is_disturbed {
            continue;
        }
        for kept in everything.iter().filter(|kept| kept.key == *key && kept.is_tagged) {
            let is_file = matches!(&entry.life, Life::Ready(version, _) if version == kept.version.as_str());
            ensure!(is_file, "{key} is served and {:?}", entry.life);
        }
        for kept in everything.iter().filter(|kept| kept.key.starts_with(&entry.thumbnails)) {
            let is_seen = kept.is_latest && !kept.is_delete_marker;
            ensure!(
                !is_seen || is_recorded(&entry.life, &kept.key),
                "{} is there and {:?}",
                kept.key,
                entry.life
            );
        }
        // Of one that was refused the parts are forgotten at its second look: none can be refused before they are one object, but by
        // who broke in.
        ensure!(
            !is_open || entry.life == Life::Pending || entry.is_overwritten,
            "its parts are kept and {key} is {:?}",
            entry.life
        );
    }
    // An arrival that was worked off has been decided on.
    for told in world.arrivals.borrow().iter().filter(|told| told.is_done) {
        let key = told.key.to_string();
        let is_there = everything.iter().any(|kept| kept.key == *key && kept.version == told.version);
        let Some(entry) = entries.iter().find(|entry| entry.id == told.key.id) else { continue };
        let is_file = matches!(&entry.life, Life::Ready(version, _) if version == told.version.as_str());
        let is_half_deleted = entry.life == Life::Deleted && entry.is_disturbed;
        ensure!(
            !is_there || is_file || is_half_deleted,
            "{key} was told of and lies there, {:?}",
            entry.life
        );
    }
    one_upload_a_key(world)?;
    drop(entries);
    accounts_agree(world, rows)
}

fn is_recorded(life: &Life, key: &str) -> bool {
    let Life::Ready(_, Pictures::Made(names)) = life else { return false };
    let name = key.rsplit('/').next().and_then(|file| file.split('.').next());
    names.iter().any(|recorded| Some(&**recorded) == name)
}

/// Whatever is unfinished, the sweep will find.
fn will_be_looked_at(row: Option<&Upload>, now: OffsetDateTime) -> Result<(), String> {
    let Some(row) = row else { return Ok(()) };
    let life = life_of(Some(row));
    let latest = match (&row.state, &life) {
        (State::Pending, _) => row.expires_at + GRACE,
        (State::Ready(_), Life::Ready(_, Pictures::Awaited)) => now + PATIENCE,
        (State::Ready(_), _) => {
            ensure!(row.due_at.is_none(), "{} is finished and due at {:?}", row.id, row.due_at);
            return Ok(());
        }
        _ => {
            let is_second_look = row.due_at.is_none_or(|due_at| due_at == row.expires_at + LAST_LOOK);
            ensure!(is_second_look, "{} is {life:?} and due at {:?}", row.id, row.due_at);
            return Ok(());
        }
    };
    let is_due = row.due_at.is_some_and(|due_at| due_at <= latest.max(now));
    ensure!(is_due, "{} is unfinished and due at {:?}", row.id, row.due_at);
    Ok(())
}

/// An idempotency key makes one upload while it is remembered.
fn one_upload_a_key(world: &World) -> Result<(), String> {
    let entries = world.entries.borrow();
    let recorded: Vec<_> =
        entries.iter().filter(|entry| entry.key.is_some() && entry.life != Life::Nothing).collect();
    for (place, one) in recorded.iter().enumerate() {
        for two in &recorded[place + 1..] {
            let is_same = (one.owner, one.key) == (two.owner, two.key);
            ensure!(
                !is_same || (two.asked_at - one.asked_at).abs() >= REMEMBERED,
                "one key made {} and {}",
                one.id,
                two.id
            );
        }
    }
    Ok(())
}

/// What the model says an owner has is what the rows say, and no byte counts twice.
fn accounts_agree(world: &World, rows: &Rows) -> Result<(), String> {
    for number in 0..2 {
        let entries = world.entries.borrow();
        let files = files_of(world, number);
        let model: u64 = files.iter().map(|file| entries[*file].size_bytes()).sum();
        let is_his = |row: &&Upload| row.owner == owner_of(number) && matches!(row.state, State::Ready(_));
        let his: Vec<_> = rows.values().filter(is_his).collect();
        let counted: u64 = his.iter().map(|row| row_bytes(row)).sum();
        let keys: BTreeSet<_> = his.iter().map(|row| row.key().to_string()).collect();
        ensure!(keys.len() == his.len(), "two rows have one object");
        ensure!(model == counted, "owner {number} has {model} bytes by the model and {counted} by the rows");
    }
    Ok(())
}

/// Lets time pass until nothing is left to do, and looks at what is left.
fn end(world: &World, ending: Ending) -> Result<(), String> {
    let is_quiet = world.entries.borrow().iter().all(|entry| !entry.is_disturbed && !entry.is_overwritten);
    if ending == Ending::Events {
        deliver(world, true)?;
        if is_quiet {
            // Without a fault, what is due is all there is to do: no walk is needed.
            world.limits.set(Limits { walk_pages: 0, ..LIMITS });
            pass(world, ending)?;
            in_order(world, true)?;
            world.limits.set(LIMITS);
        }
    }
    pass(world, ending)?;
    in_order(world, false)
}

/// Delivers what was not worked off, or everything.
fn deliver(world: &World, all: bool) -> Result<(), String> {
    let count = world.arrivals.borrow().len();
    for event in (0..u8::try_from(count).expect("a short history")).rev() {
        let is_done = world.arrivals.borrow()[usize::from(event)].is_done;
        if all || !is_done {
            take(world, &arrive(event))?;
        }
    }
    Ok(())
}

fn arrive(event: u8) -> Step {
    Step {
        acts: vec![Call::Arrive { event, names_version: true, renders: Renders::Small }.fine()],
        turns: vec![],
    }
}

/// Sweeps often enough for everything that takes its time.
fn pass(world: &World, ending: Ending) -> Result<(), String> {
    for minutes in [61, 61, 1441, 1441, 4320, 1441] {
        take(world, &alone(Call::Wait(minutes).fine()))?;
        for _ in 0..2 {
            take(world, &alone(Call::Sweep { time_for: EVERYTHING }.fine()))?;
        }
        if ending == Ending::Events {
            deliver(world, false)?;
        }
    }
    Ok(())
}

fn alone(act: Act) -> Step {
    Step { acts: vec![act], turns: Vec::new() }
}

/// What holds once nothing is left to do: every byte in storage is a file's, and every file is whole.
fn in_order(world: &World, without_walk: bool) -> Result<(), String> {
    let rows = world.rows();
    let everything = world.bucket.everything();
    let entries = world.entries.borrow();
    for (number, entry) in entries.iter().enumerate() {
        ensure!(entry.life != Life::Pending, "upload {number} is pending");
        let is_due = rows.get(&entry.id).and_then(|row| row.due_at);
        ensure!(is_due.is_none(), "upload {number} is {:?} and due at {is_due:?}", entry.life);
        ensure!(
            entry.life != Life::Deleted || !copies(world, entry),
            "the CDN has copies of upload {number}"
        );
    }
    for kept in &everything {
        let of =
            entries.iter().find(|entry| entry.path == kept.key || kept.key.starts_with(&entry.thumbnails));
        let Some(of) = of else { return Err(format!("{} is nobody's", kept.key)) };
        let belongs = match &of.life {
            Life::Ready(version, _) if kept.key.starts_with("uploads/") => {
                kept.version.as_str() == version && kept.is_tagged
            }
            _ if kept.key.starts_with("uploads/") => false,
            // Hidden versions leave by the bucket's lifecycle.
            life => !kept.is_latest || kept.is_delete_marker || is_recorded(life, &kept.key),
        };
        ensure!(belongs, "{kept:?} is left of {:?}", of.life);
    }
    let multiparts = world.bucket.multiparts();
    let is_known = |key: &str| entries.iter().any(|entry| entry.path == key && entry.life != Life::Nothing);
    let left = multiparts.iter().find(|(key, _)| !without_walk || is_known(key));
    ensure!(left.is_none(), "parts of {left:?} are left");
    let served: u64 = everything.iter().filter(|kept| kept.is_tagged).map(|kept| kept.size_bytes).sum();
    let files: u64 = rows.values().filter(|row| matches!(row.state, State::Ready(_))).map(row_bytes).sum();
    ensure!(served == files, "{served} bytes are served of files of {files}");
    drop(entries);
    for number in 0..2 {
        let due_at = world.table.recount_due_at(owner_of(number));
        ensure!(due_at.is_none_or(|due_at| due_at > world.now.get()), "owner {number} was not counted again");
    }
    for number in 0..2 {
        take(world, &alone(Call::List { owner: number, size: 2 }.fine()))?;
    }
    Ok(())
}
