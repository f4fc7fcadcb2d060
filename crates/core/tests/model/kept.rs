//! Histories whose order matters to the last stop, each by the name of the rule that it has caught when it was broken: one call is stopped
//! at every place where it waits for storage, and there another one runs, or it fails, or it is killed.

use crate::play::{Ending, play};
use crate::ports::Fault::{After, Before};
use crate::script::{Act, Allowed, Body::Right, Call, EVERYTHING, File, Renders, Says, Step, one, together};

/// More stops than any call but the sweep has.
const STOPS: u8 = 40;

/// More stops than the sweep of one upload has.
const STOPS_OF_THE_SWEEP: u8 = 90;

const PUT: Call = Call::Put { upload: 0, body: Right, late: true };
const CONFIRM: Call = Call::Confirm { upload: 0, said: Says::Nothing };
const SWEEP: Call = Call::Sweep { time_for: EVERYTHING };

fn issue(file: File) -> Step {
    one(Call::Issue { owner: 0, file, key: None }.fine())
}

fn arrive(renders: Renders) -> Call {
    Call::Arrive { event: 0, names_version: true, renders }
}

fn is_in_order(ending: Ending, history: &[Step]) {
    if let Err(wrong) = play(history, ending) {
        panic!("{wrong}\n{history:#?}");
    }
}

/// Stops a call at every place, lets another one run there, and then goes on.
fn interrupted(before: &[Step], call: &Call, stops: u8, by: &Call) {
    for stop in 0..stops {
        let turns = [vec![0; stop.into()], vec![1; 200]].concat();
        let step = together([call.clone().fine(), by.clone().fine()], turns);
        is_in_order(Ending::Events, &[before, &[step]].concat());
    }
}

/// Has a call fail or end at every place.
fn broken_off(before: &[Step], call: &Call, after: &[Step], ending: Ending) {
    for stop in 0..STOPS {
        let mut fates: Vec<Act> = vec![call.clone().killed(stop)];
        // Each call to storage is two stops.
        if stop % 2 == 0 {
            fates.extend([Before(stop / 2), After(stop / 2)].map(|fault| call.clone().fails(fault)));
        }
        for act in fates {
            is_in_order(ending, &[before, &[one(act)], after].concat());
        }
    }
}

fn limited(allowed: Allowed) -> Step {
    one(Call::Limit(allowed).fine())
}

#[test]
fn of_two_grants_for_one_place_one_is_given_at_any_stop_of_either() {
    for allowed in [Allowed::Files(1), Allowed::Pictures(1), Allowed::Pending(1), Allowed::Grants(1)] {
        let issue = |key| Call::Issue { owner: 0, file: File::Image, key };
        interrupted(&[limited(allowed)], &issue(None), STOPS, &issue(None));
        // Of one request that comes twice at once both are answered.
        interrupted(&[limited(allowed)], &issue(Some(0)), STOPS, &issue(Some(0)));
        interrupted(&[limited(allowed)], &issue(Some(0)), STOPS, &issue(Some(1)));
    }
    let film = || Call::Issue { owner: 0, file: File::Film, key: Some(0) };
    interrupted(&[limited(Allowed::Each(1))], &film(), STOPS, &film());
}

#[test]
fn a_grant_that_is_broken_off_anywhere_is_counted_if_it_is_recorded() {
    for file in [File::Image, File::Film] {
        let issue = Call::Issue { owner: 0, file, key: Some(0) };
        let again = [one(issue.clone().fine())];
        broken_off(&[limited(Allowed::Each(1))], &issue, &again, Ending::Silence);
    }
}

#[test]
fn an_end_at_any_stop_of_another_gives_its_place_back_once() {
    let before = [limited(Allowed::Each(1)), issue(File::Image), one(PUT.fine())];
    for (one, other) in [(CONFIRM, Call::Cancel(0)), (CONFIRM, CONFIRM), (Call::Cancel(0), Call::Cancel(0))] {
        interrupted(&before, &one, STOPS, &other);
        interrupted(&before, &other, STOPS, &one);
    }
    let ready = [&before[..], &[one(CONFIRM.fine())]].concat();
    interrupted(&ready, &Call::Delete(0), STOPS, &Call::Delete(0));
    let again = [one(Call::Delete(0).fine())];
    broken_off(&ready, &Call::Delete(0), &again, Ending::Silence);
}

#[test]
fn a_grant_at_any_stop_of_the_recount_is_not_forgotten() {
    let before = [issue(File::Image), one(Call::Wait(1441).fine())];
    let another = Call::Issue { owner: 0, file: File::Image, key: None };
    interrupted(&before, &SWEEP, STOPS_OF_THE_SWEEP, &another);
}

#[test]
fn a_cancel_at_any_stop_of_the_sweep_keeps_the_time_of_its_last_look() {
    let before = [issue(File::Image), one(Call::Wait(60).fine())];
    interrupted(&before, &SWEEP, STOPS_OF_THE_SWEEP, &Call::Cancel(0));
}

#[test]
fn a_file_that_lands_at_any_stop_of_the_sweep_is_kept_or_gone() {
    let before = [issue(File::Image), one(Call::Wait(121).fine())];
    interrupted(&before, &SWEEP, STOPS_OF_THE_SWEEP, &PUT);
}

#[test]
fn a_cancel_and_a_confirm_agree_at_any_stop_of_either() {
    let before = [issue(File::Image), one(PUT.fine())];
    interrupted(&before, &CONFIRM, STOPS, &Call::Cancel(0));
    interrupted(&before, &Call::Cancel(0), STOPS, &CONFIRM);
}

#[test]
fn a_deletion_at_any_stop_of_the_thumbnailer_leaves_no_thumbnail() {
    let before = [issue(File::Image), one(PUT.fine()), one(CONFIRM.fine())];
    interrupted(&before, &arrive(Renders::SmallAndLarge), STOPS, &Call::Delete(0));
    interrupted(&before, &Call::Delete(0), STOPS, &arrive(Renders::SmallAndLarge));
}

#[test]
fn of_two_thumbnailers_the_loser_leaves_what_the_winner_has_recorded() {
    let before = [issue(File::Image), one(PUT.fine())];
    for other in [Renders::Small, Renders::Nothing] {
        interrupted(&before, &arrive(Renders::SmallAndLarge), STOPS, &arrive(other));
        interrupted(&before, &arrive(other), STOPS, &arrive(Renders::SmallAndLarge));
    }
}

#[test]
fn a_thumbnailer_that_is_broken_off_anywhere_leaves_nothing_of_a_deleted_file() {
    let before = [issue(File::Image), one(PUT.fine()), one(CONFIRM.fine())];
    let deleted = [one(Call::Delete(0).fine())];
    broken_off(&before, &arrive(Renders::SmallAndLarge), &deleted, Ending::Silence);
}

#[test]
fn a_thumbnailer_that_ends_after_the_deletion_is_swept_up_after() {
    let before = [issue(File::Image), one(PUT.fine()), one(CONFIRM.fine())];
    for stop in 0..STOPS {
        for killed in [stop + 1, stop + 2] {
            // It has read the row, the file is deleted, and it goes on for a moment.
            let acts = [arrive(Renders::SmallAndLarge).killed(killed), Call::Delete(0).fine()];
            let turns = [vec![0; stop.into()], vec![1; 60]].concat();
            is_in_order(Ending::Silence, &[&before[..], &[together(acts, turns)]].concat());
        }
    }
}

#[test]
fn what_a_thumbnailer_stored_before_it_was_broken_off_and_the_next_does_not_record_is_removed() {
    let before = [issue(File::Image), one(PUT.fine()), one(CONFIRM.fine())];
    broken_off(
        &before,
        &arrive(Renders::SmallAndLarge),
        &[one(arrive(Renders::Small).fine())],
        Ending::Silence,
    );
}

#[test]
fn a_deletion_that_is_broken_off_anywhere_is_finished_without_anybody_asking() {
    let made =
        [issue(File::Image), one(PUT.fine()), one(arrive(Renders::Small).fine()), one(Call::Visit(0).fine())];
    broken_off(&made, &Call::Delete(0), &[], Ending::Silence);
    broken_off(&made, &Call::Delete(0), &[one(Call::Delete(0).fine())], Ending::Events);
}

#[test]
fn a_film_whose_confirm_is_broken_off_anywhere_is_confirmed_by_the_next() {
    let part = |part| one(Call::PutPart { upload: 0, part, body: Right }.fine());
    let before = [issue(File::Film), part(0), part(1)];
    let again = [one(Call::Confirm { upload: 0, said: Says::Crc }.fine())];
    broken_off(&before, &CONFIRM, &again, Ending::Silence);
}

#[test]
fn the_parts_of_a_pending_film_outlive_the_sweep() {
    let sweep = [one(Call::Wait(120).fine()), one(SWEEP.fine())];
    is_in_order(Ending::Silence, &[&[issue(File::Film)], &sweep[..]].concat());
}

#[test]
fn pages_of_one_file_name_every_file() {
    let ready = |upload, event| {
        let arrive = Call::Arrive { event, names_version: true, renders: Renders::Small };
        [one(Call::Put { upload, body: Right, late: false }.fine()), one(arrive.fine())]
    };
    let list = one(Call::List { owner: 0, size: 1 }.fine());
    let files = [issue(File::Image), issue(File::Image), issue(File::Image)];
    is_in_order(Ending::Events, &[&files[..], &ready(0, 0), &ready(1, 1), &ready(2, 2), &[list]].concat());
}
