//! Uploads files of any size to Valet: in parts, in parallel, resumable, checked from the disk to storage.
//!
//! Everything blocks and runs on plain threads; there is no runtime to bring along. This crate knows Valet's HTTP contract
//! alone, and nothing of what answers it.
//!
//! ```no_run
//! use valet_client::{Api, Options, Settings, Source, Stop, Token, upload};
//!
//! # fn main() -> Result<(), valet_client::Error> {
//! let token = Token::File("/run/secrets/valet".into());
//! let api = Api::new(Settings::new("https://api.example", token))?;
//! let film = Source::open("film.mp4")?;
//! let uploaded = upload(&api, &film, "video/mp4", &Options::default(), &(), &Stop::new())?;
//! println!("{} is at {}", uploaded.file.id, uploaded.file.file_url);
//! # Ok(())
//! # }
//! ```
//!
//! To resume after a crash, keep the [`Ticket`] that an [`Observer`] is handed, and give it to [`resume`].
//!
//! In reading order: what is said to the API and by it, then the API, then an upload.

mod backoff;
mod stop;

mod error;
mod file;
mod grant;
mod limits;
mod settings;
mod ticket;
mod usage;

mod api;
mod wire;

mod observer;
mod options;

mod crc;
mod cut;
mod part_reader;
mod source;

mod requests;
mod storage;
mod transfer;

mod confirm;
mod upload;

pub use api::{Api, Confirmed};
pub use error::{Error, FieldError, Result};
pub use file::{Checksum, File, FilePage, Placeholder, Thumbnail, Thumbnails};
pub use grant::{
    Confirmation, ConfirmedPart, Grant, Multipart, NewUpload, SignedPart, SignedRequest, Status, StoredPart,
    StoredParts, ToSend, Upload, WantedPart,
};
pub use limits::{Limits, PartLimits, TypeLimit};
pub use observer::Observer;
pub use options::{Options, Uploaded};
pub use settings::{Settings, Token};
pub use source::Source;
pub use stop::Stop;
pub use ticket::Ticket;
pub use upload::{resume, upload};
pub use usage::{Count, Usage};
