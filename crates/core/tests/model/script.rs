//! A history as a script: what is called, in which order it goes on, and what befalls it. Its `Debug` form is Rust that can be pasted
//! into a test.

use crate::ports::Fault;
use proptest::prelude::*;
use std::fmt;

/// Some calls, one at a time or several at once, and who goes on when.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) acts: Vec<Act>,
    /// Of those that have not ended, the one that goes on to its next stop; afterwards each runs to its end, the first one first.
    pub(crate) turns: Vec<u8>,
}

/// One call and its fate.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) call: Call,
    pub(crate) fate: Fate,
}

/// What befalls a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing.
    Fine,
    /// A call of its fails.
    Fails(Fault),
    /// It goes on so often, then never again.
    Killed(u8),
}

/// What somebody does. Uploads are counted in the order in which they were asked for, from 0 and around; so are arrivals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// The clock goes on by so many minutes.
    Wait(u16),
    /// An owner (0 or 1) asks for a grant, perhaps with one of two idempotency keys.
    Issue {
        owner: u8,
        file: File,
        key: Option<u8>,
    },
    /// The client sends the file. Late, it began while its URL was good, however long ago.
    Put {
        upload: u8,
        body: Body,
        late: bool,
    },
    /// The client sends one of two parts.
    PutPart {
        upload: u8,
        part: u8,
        body: Body,
    },
    /// Somebody who broke in stores something under the upload's key.
    Overwrite {
        upload: u8,
        body: Body,
    },
    Resign(u8),
    SignParts(u8),
    Confirm {
        upload: u8,
        said: Says,
    },
    Cancel(u8),
    Delete(u8),
    Read(u8),
    /// The other owner tries everything on an upload.
    Trespass(u8),
    /// An owner goes through the list of his files, so many on a page.
    List {
        owner: u8,
        size: u8,
    },
    /// A reader opens the file and its thumbnails through the CDN, if it lets him.
    Visit(u8),
    /// The queue tells the thumbnailer of an arrival, for the first time or once more.
    Arrive {
        event: u8,
        names_version: bool,
        renders: Renders,
    },
    /// The sweep runs, with time for so many things.
    Sweep {
        time_for: u8,
    },
}

/// A sweep that has time for everything.
pub(crate) const EVERYTHING: u8 = u8::MAX;

/// What a grant is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    /// A picture in one PUT.
    Image,
    /// A picture whose grant names its SHA-256.
    Bound,
    /// A film in one PUT, which has no thumbnails.
    Clip,
    /// A film in two parts.
    Film,
    /// Something that is refused.
    Nameless,
    Empty,
    Html,
    Huge,
    MisSummed,
    TinyParts,
}

/// What bytes somebody sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Right,
    /// As many, but others.
    Wrong,
    /// Too few. Nobody can send them but by breaking in.
    Short,
    /// The right ones under another content type. Likewise.
    Mistyped,
}

/// What a client says when it confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Nothing,
    /// The checksum of the right bytes.
    Crc,
    OtherCrc,
    /// The `ETag`s of the right parts.
    Etags,
    Garbled,
}

/// What rendering makes of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renders {
    Small,
    SmallAndLarge,
    Nothing,
}

pub(crate) fn one(act: Act) -> Step {
    Step { acts: vec![act], turns: Vec::new() }
}

pub(crate) fn together(acts: impl Into<Vec<Act>>, turns: impl Into<Vec<u8>>) -> Step {
    Step { acts: acts.into(), turns: turns.into() }
}

impl Call {
    pub(crate) fn fine(self) -> Act {
        Act { call: self, fate: Fate::Fine }
    }

    pub(crate) fn fails(self, fault: Fault) -> Act {
        Act { call: self, fate: Fate::Fails(fault) }
    }

    pub(crate) fn killed(self, turns: u8) -> Act {
        Act { call: self, fate: Fate::Killed(turns) }
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never over several lines, even where what it stands in is.
        let call = format!("{:?}", self.call).replace("time_for: 255", "time_for: EVERYTHING");
        match self.fate {
            Fate::Fine => write!(f, "{call}.fine()"),
            Fate::Fails(fault) => write!(f, "{call}.fails({})", format_args!("{fault:?}")),
            Fate::Killed(turns) => write!(f, "{call}.killed({turns})"),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.acts {
            [act] => write!(f, "one({act:?})"),
            acts => {
                let acts: Vec<_> = acts.iter().map(|act| format!("{act:?}")).collect();
                write!(f, "together([{}], {})", acts.join(", "), format_args!("{:?}", Flat(&self.turns)))
            }
        }
    }
}

/// A list on one line.
struct Flat<'a>(&'a [u8]);

impl fmt::Debug for Flat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let turns: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "[{}]", turns.join(", "))
    }
}

/// Histories: first a grant or two, then anything.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Step>> {
    let begin = prop::collection::vec(issue().prop_map(|call| one(call.fine())), 1..=2);
    (begin, prop::collection::vec(step(), 0..=18)).prop_map(|(mut steps, more)| {
        steps.extend(more);
        steps
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => act().prop_map(one),
        4 => several(2),
        2 => several(3),
    ]
}

fn several(acts: usize) -> impl Strategy<Value = Step> {
    (prop::collection::vec(act(), acts), prop::collection::vec(0..6_u8, 0..24))
        .prop_map(|(acts, turns)| Step { acts, turns })
}

fn act() -> impl Strategy<Value = Act> {
    (call(), fate()).prop_map(|(call, fate)| Act { call, fate })
}

fn fate() -> impl Strategy<Value = Fate> {
    let at = || prop_oneof![6 => 0..8_u8, 2 => 8..40_u8];
    prop_oneof![
        16 => Just(Fate::Fine),
        2 => at().prop_map(|at| Fate::Fails(Fault::Before(at))),
        2 => at().prop_map(|at| Fate::Fails(Fault::After(at))),
        1 => at().prop_map(|at| Fate::Fails(Fault::Refused(at))),
        3 => prop_oneof![6 => 0..16_u8, 2 => 16..80_u8].prop_map(Fate::Killed),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let upload = || 0..3_u8;
    let minutes = prop_oneof![
        3 => 1..20_u16,
        3 => prop::sample::select(vec![59, 60, 61, 120, 121]),
        2 => prop::sample::select(vec![1439, 1440, 1500, 2880]),
        1 => prop::sample::select(vec![4320, 5760, 10_080, 30_240]),
    ];
    let body = || prop_oneof![4 => Just(Body::Right), 1 => Just(Body::Wrong)];
    let any_body = prop::sample::select(vec![Body::Right, Body::Wrong, Body::Short, Body::Mistyped]);
    let said = prop_oneof![
        6 => Just(Says::Nothing),
        2 => Just(Says::Crc),
        1 => Just(Says::OtherCrc),
        1 => Just(Says::Etags),
        1 => Just(Says::Garbled),
    ];
    let renders = prop_oneof![
        4 => Just(Renders::Small),
        2 => Just(Renders::SmallAndLarge),
        1 => Just(Renders::Nothing),
    ];
    let time_for = prop_oneof![5 => Just(EVERYTHING), 1 => 0..12_u8];
    prop_oneof![
        14 => (upload(), body(), prop::bool::weighted(0.3)).prop_map(|(upload, body, late)| Call::Put { upload, body, late }),
        8 => (upload(), 0..2_u8, body()).prop_map(|(upload, part, body)| Call::PutPart { upload, part, body }),
        14 => (upload(), said).prop_map(|(upload, said)| Call::Confirm { upload, said }),
        14 => (0..4_u8, prop::bool::weighted(0.8), renders)
            .prop_map(|(event, names_version, renders)| Call::Arrive { event, names_version, renders }),
        10 => upload().prop_map(Call::Cancel),
        10 => upload().prop_map(Call::Delete),
        10 => minutes.prop_map(Call::Wait),
        10 => time_for.prop_map(|time_for| Call::Sweep { time_for }),
        5 => issue(),
        2 => upload().prop_map(Call::Resign),
        2 => upload().prop_map(Call::SignParts),
        2 => upload().prop_map(Call::Read),
        1 => upload().prop_map(Call::Trespass),
        2 => (0..2_u8, 1..4_u8).prop_map(|(owner, size)| Call::List { owner, size }),
        2 => upload().prop_map(Call::Visit),
        2 => (upload(), any_body).prop_map(|(upload, body)| Call::Overwrite { upload, body }),
    ]
}

fn issue() -> impl Strategy<Value = Call> {
    let file = prop_oneof![
        8 => Just(File::Image),
        2 => Just(File::Bound),
        2 => Just(File::Clip),
        4 => Just(File::Film),
        1 => prop::sample::select(vec![
            File::Nameless, File::Empty, File::Html, File::Huge, File::MisSummed, File::TinyParts
        ]),
    ];
    let owner = prop_oneof![4 => Just(0_u8), 1 => Just(1_u8)];
    let key = prop_oneof![3 => Just(None), 2 => (0..2_u8).prop_map(Some)];
    (owner, file, key).prop_map(|(owner, file, key)| Call::Issue { owner, file, key })
}
