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
    /// From now on every owner may have so much.
    Limit(Allowed),
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

/// What every owner may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    Everything,
    /// So many files.
    Files(u8),
    /// The bytes of so many pictures.
    Pictures(u8),
    /// So many pending uploads.
    Pending(u8),
    /// So many grants in a minute.
    Grants(u8),
    /// So many of each, and a film.
    Each(u8),
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

/// Histories: in some of them little is allowed; first a grant or two, then anything.
///
/// All is made of small numbers, which shrink to the first of a table: a union of strategies for each kind of call would take most of the
/// time.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Step>> {
    let begin = prop::collection::vec(any::<[u8; 3]>().prop_map(|numbers| one(issue(numbers).fine())), 1..=2);
    (any::<[u8; 2]>(), begin, prop::collection::vec(step(), 0..=18))
        .prop_map(|(limit, begin, more)| limited(limit).into_iter().chain(begin).chain(more).collect())
}

/// In a third of all histories so little is allowed that some of it is refused.
fn limited([kind, much]: [u8; 2]) -> Option<Step> {
    use Allowed::{Each, Everything, Files, Grants, Pending, Pictures};
    let much = 1 + much % 2;
    let table = [Files(much), Pictures(much), Pending(much), Grants(much), Each(much)];
    let allowed = if kind % 3 == 0 { of(&table, kind / 3) } else { Everything };
    (allowed != Everything).then(|| one(Call::Limit(allowed).fine()))
}

fn step() -> impl Strategy<Value = Step> {
    // Of eleven steps five are one call, four are two and two are three.
    let count = prop::sample::select(vec![1_usize, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
    (count, any::<[[u8; 6]; 3]>(), prop::collection::vec(0..6_u8, 0..24)).prop_map(
        |(count, numbers, turns)| {
            let acts = numbers[..count].iter().map(|numbers| act(*numbers, count > 1)).collect();
            Step { acts, turns: if count > 1 { turns } else { Vec::new() } }
        },
    )
}

fn act([call_kind, a, b, c, fate_kind, at]: [u8; 6], is_with_others: bool) -> Act {
    let call = match call(call_kind, [a, b, c]) {
        // No run lives for longer than a quarter of an hour.
        Call::Wait(minutes) if is_with_others => Call::Wait(minutes % 15),
        call => call,
    };
    // A quarter of all meets its fate late.
    let (at, turns) = if at < 192 { (at % 8, at % 16) } else { (at % 40, at % 80) };
    let fate = match fate_kind % 24 {
        0..16 => Fate::Fine,
        16..18 => Fate::Fails(Fault::Before(at)),
        18..20 => Fate::Fails(Fault::After(at)),
        20 => Fate::Fails(Fault::Refused(at)),
        _ => Fate::Killed(turns),
    };
    Act { call, fate }
}

fn call(kind: u8, [a, b, c]: [u8; 3]) -> Call {
    let upload = a % 3;
    let body = of(&[Body::Right, Body::Right, Body::Right, Body::Right, Body::Wrong], b);
    match kind % 104 {
        0..14 => Call::Put { upload, body, late: c % 3 == 2 },
        14..22 => Call::PutPart { upload, part: c % 2, body },
        22..36 => {
            use Says::{Crc, Etags, Garbled, Nothing, OtherCrc};
            let says =
                [Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Crc, Crc, OtherCrc, Etags, Garbled];
            Call::Confirm { upload, said: of(&says, b) }
        }
        36..50 => {
            use Renders::{Nothing, Small, SmallAndLarge};
            let renders = [Small, Small, Small, Small, SmallAndLarge, SmallAndLarge, Nothing];
            Call::Arrive { event: a % 4, names_version: b % 5 != 4, renders: of(&renders, c) }
        }
        50..60 => Call::Cancel(upload),
        60..70 => Call::Delete(upload),
        70..80 => {
            let rare = [1439, 1440, 1500, 2880, 4320, 5760, 10_080, 30_240];
            let minutes = match b % 8 {
                0..3 => 1 + u16::from(c) % 20,
                3..6 => of(&[59, 60, 61, 120, 121], c),
                _ => of(&rare, c),
            };
            Call::Wait(minutes)
        }
        80..90 => Call::Sweep { time_for: if b % 6 < 5 { EVERYTHING } else { c % 12 } },
        90..95 => issue([a, b, c]),
        95..97 => of(&[Call::Resign(upload), Call::SignParts(upload)], b),
        97..99 => of(&[Call::Read(upload), Call::Trespass(upload)], b),
        99 => Call::List { owner: b % 2, size: 1 + c % 3 },
        100..102 => Call::Visit(upload),
        _ => {
            let bodies = [Body::Right, Body::Wrong, Body::Short, Body::Mistyped];
            Call::Overwrite { upload, body: of(&bodies, b) }
        }
    }
}

fn issue([a, b, c]: [u8; 3]) -> Call {
    use File::{Bound, Clip, Empty, Film, Html, Huge, Image, MisSummed, Nameless, TinyParts};
    let bad = [Nameless, Empty, Html, Huge, MisSummed, TinyParts];
    let file = match a % 17 {
        0..8 => Image,
        8..10 => Bound,
        10..12 => Clip,
        12..15 => Film,
        _ => of(&bad, a / 17),
    };
    let key = of(&[None, None, None, Some(0), Some(1)], c);
    Call::Issue { owner: u8::from(b % 5 == 4), file, key }
}

fn of<T: Clone>(table: &[T], number: u8) -> T {
    table[usize::from(number) % table.len()].clone()
}
