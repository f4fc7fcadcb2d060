//! Renders a file on a thread of its own, with `valet-thumbnail`. Neither a decoder that panics nor one that does not end takes
//! the function down with it: both are the file's fault, and would be so again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};
use valet_core::Placeholder;
use valet_core::key::{ThumbnailFormat, ThumbnailName};
use valet_core::ports::{Progress, Render, RenderJob, Rendered, RenderedThumbnail};
use valet_core::upload::Dimensions;
use valet_thumbnail::{Error, Limits, Made, OutputFormat, Variants};

/// What a rendering has at least before its file is blamed for not being done: several times what the largest image takes. Where less
/// was left from the start, the download took the time, and the event comes again.
const FAIR: Duration = Duration::from_secs(10);

/// Makes these variants within these limits.
pub(crate) struct Renderer {
    variants: Arc<Variants>,
    limits: Limits,
    finish: fn(valet_thumbnail::Job) -> Result<Made, Error>,
}

impl Renderer {
    pub(crate) fn new(variants: Variants, limits: Limits) -> Self {
        Self { variants: Arc::new(variants), limits, finish: valet_thumbnail::Job::finish }
    }

    /// The renderer of an invocation that has until then.
    pub(crate) fn until(&self, deadline: Instant) -> impl Render {
        UntilDeadline { renderer: self, deadline }
    }
}

struct UntilDeadline<'a> {
    renderer: &'a Renderer,
    deadline: Instant,
}

impl Render for UntilDeadline<'_> {
    type Job = Job;

    fn start(&self) -> Job {
        let Self { renderer: Renderer { variants, limits, finish }, deadline } = self;
        let file = valet_thumbnail::Job::new(Arc::clone(variants), *limits);
        Job { file: Some(file), finish: *finish, deadline: *deadline }
    }
}

/// The rendering of one file.
struct Job {
    /// `None` once it has panicked.
    file: Option<valet_thumbnail::Job>,
    finish: fn(valet_thumbnail::Job) -> Result<Made, Error>,
    deadline: Instant,
}

impl RenderJob for Job {
    fn push(&mut self, bytes: &[u8]) -> Progress {
        let Some(file) = &mut self.file else { return Progress::Enough };
        match catch_unwind(AssertUnwindSafe(|| file.push(bytes))) {
            Ok(valet_thumbnail::Progress::More) => Progress::More,
            Ok(valet_thumbnail::Progress::Enough) => Progress::Enough,
            Err(_panic) => {
                self.file = None;
                Progress::Enough
            }
        }
    }

    async fn finish(self) -> Result<Rendered, &'static str> {
        let Self { file, finish, deadline } = self;
        let file = file.ok_or(DECODER_FAILED)?;
        let made = on_a_thread(deadline, move || finish(file)).await?;
        made.map(rendered).map_err(|error| error.code())
    }
}

const DECODER_FAILED: &str = "decoder_failed";
const TOOK_TOO_LONG: &str = "took_too_long";

/// Runs `work` beside the event loop, until the deadline at the longest.
///
/// A thread cannot be stopped from outside. What takes too long goes on behind the next invocations' back, within the limits' memory,
/// until it ends or Lambda replaces the process.
async fn on_a_thread<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, &'static str> {
    let left = deadline.saturating_duration_since(Instant::now());
    let thread = spawn_blocking(work);
    let ended = if left < FAIR {
        thread.await
    } else {
        timeout(left, thread).await.map_err(|_elapsed| TOOK_TOO_LONG)?
    };
    ended.map_err(|_panic| DECODER_FAILED)
}

fn rendered(made: Made) -> Rendered {
    let thumbnails = made.thumbnails.into_iter().map(|thumbnail| RenderedThumbnail {
        name: ThumbnailName::parse(&thumbnail.name).expect("a variant's name is a thumbnail's name"),
        format: match thumbnail.format {
            OutputFormat::Jpeg => ThumbnailFormat::Jpeg,
            OutputFormat::Webp => ThumbnailFormat::Webp,
        },
        dimensions: dimensions(thumbnail.dimensions),
        bytes: thumbnail.bytes,
    });
    Rendered {
        source: dimensions(made.source.dimensions),
        placeholder: Placeholder { thumbhash: made.placeholder.thumbhash, color: made.placeholder.color },
        thumbnails: thumbnails.collect(),
    }
}

fn dimensions(of: valet_thumbnail::Dimensions) -> Dimensions {
    Dimensions { width: of.width, height: of.height }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use tokio::time::advance;
    use valet_thumbnail::Variant;

    impl Renderer {
        /// A renderer whose files are finished like this.
        pub(crate) fn finishing(self, finish: fn(valet_thumbnail::Job) -> Result<Made, Error>) -> Self {
            Self { finish, ..self }
        }
    }

    /// Work that begins, and ends when it is let go.
    fn held() -> (impl FnOnce() + Send + 'static, Receiver<()>, Sender<()>) {
        let ((begins, begun), (ends, wait)) = (channel(), channel());
        let work = move || {
            begins.send(()).unwrap();
            let _let_go: Result<(), _> = wait.recv();
        };
        (work, begun, ends)
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_is_not_done_at_the_deadline_took_too_long() {
        let (work, _begun, ends) = held();
        let patience = on_a_thread(Instant::now() + FAIR, work);
        let time = advance(FAIR + Duration::from_millis(1));
        assert_eq!(tokio::join!(patience, time).0, Err("took_too_long"));
        drop(ends);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_never_had_a_fair_time_is_not_to_blame() {
        let (work, begun, ends) = held();
        let patience = on_a_thread(Instant::now() + FAIR - Duration::from_millis(1), work);
        let time = async move {
            advance(FAIR).await;
            begun.recv().unwrap();
            drop(ends);
        };
        assert_eq!(tokio::join!(patience, time).0, Ok(()));
    }

    #[tokio::test]
    async fn work_that_panics_failed() {
        let outcome = on_a_thread(Instant::now() + FAIR, || panic!("on purpose")).await;
        assert_eq!(outcome, Err::<(), _>("decoder_failed"));
    }

    /// What an operator may call a variant is what may be part of a key.
    #[test]
    fn variants_and_thumbnails_have_the_same_names() {
        for name in [
            "small",
            "0",
            "a-",
            "wide-2x",
            &"x".repeat(32),
            "",
            "-a",
            "Small",
            "a b",
            "a/b",
            "a.b",
            "ü",
            &"x".repeat(33),
        ] {
            let is_variant = format!("{name}:1x1:fit:jpeg:1").parse::<Variant>().is_ok();
            assert_eq!(is_variant, ThumbnailName::parse(name).is_some(), "{name}");
        }
    }
}
