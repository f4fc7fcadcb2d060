//! Makes a history that fails as short as it gets. Proptest shrinks the numbers it has drawn, each once; here whole steps, calls, turns and
//! faults go, as long as anything can, so that what is left is all that matters. It plays what it is given and judges nothing.

use crate::script::{Act, Call, Fate, Step};

/// A history that still fails, of which nothing can be left out.
pub(crate) fn smallest(history: &[Step], fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut smallest = history.to_vec();
    loop {
        let next = smaller(&smallest).find(|smaller| fails(smaller));
        match next {
            Some(next) => smallest = next,
            None => return smallest,
        }
    }
}

/// The histories that are a little less: first without a step, then with one that is simpler.
fn smaller(history: &[Step]) -> impl Iterator<Item = Vec<Step>> {
    let without = (0..history.len()).rev().map(|place| {
        let mut smaller = history.to_vec();
        smaller.remove(place);
        smaller
    });
    let simpler = (0..history.len()).flat_map(move |place| {
        simpler(&history[place]).into_iter().map(move |step| {
            let mut smaller = history.to_vec();
            smaller[place] = step;
            smaller
        })
    });
    without.chain(simpler)
}

fn simpler(step: &Step) -> Vec<Step> {
    let mut simpler = Vec::new();
    if step.acts.len() > 1 {
        for place in 0..step.acts.len() {
            let mut acts = step.acts.clone();
            acts.remove(place);
            let turns = if acts.len() > 1 { step.turns.clone() } else { Vec::new() };
            simpler.push(Step { acts, turns });
        }
    }
    let half = step.turns.len() / 2;
    for turns in [&step.turns[..half], &step.turns[half..]] {
        simpler.push(Step { turns: turns.to_vec(), ..step.clone() });
    }
    for place in 0..step.turns.len() {
        let mut turns = step.turns.clone();
        turns.remove(place);
        simpler.push(Step { turns, ..step.clone() });
    }
    for (place, act) in step.acts.iter().enumerate() {
        for act in plainer(act) {
            let mut acts = step.acts.clone();
            acts[place] = act;
            simpler.push(Step { acts, ..step.clone() });
        }
    }
    simpler.retain(|simpler| simpler != step);
    simpler
}

fn plainer(act: &Act) -> Vec<Act> {
    let mut plainer = Vec::new();
    if act.fate != Fate::Fine {
        plainer.push(Act { fate: Fate::Fine, ..act.clone() });
    }
    let calls = match &act.call {
        Call::Wait(minutes) if *minutes > 0 => vec![Call::Wait(minutes / 2), Call::Wait(minutes - 1)],
        Call::Issue { owner, file, key: Some(_) } => {
            vec![Call::Issue { owner: *owner, file: *file, key: None }]
        }
        Call::Issue { owner: 1, file, key } => vec![Call::Issue { owner: 0, file: *file, key: *key }],
        Call::Put { upload, body, late: true } => {
            vec![Call::Put { upload: *upload, body: *body, late: false }]
        }
        Call::Arrive { event, names_version: false, renders } => {
            vec![Call::Arrive { event: *event, names_version: true, renders: *renders }]
        }
        _ => Vec::new(),
    };
    plainer.extend(calls.into_iter().map(|call| Act { call, fate: act.fate }));
    plainer
}
