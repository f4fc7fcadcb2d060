//! What a probe shows: a table that grows row by row, or one JSON document at the end.

use super::check::{Check, Group, Row, Verdict};
use crate::failure::Exit;
use crate::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::time::Duration;

/// The table's columns come from the list of checks, so that rows can be shown as they come.
pub(super) struct Screen<'a> {
    output: &'a Output,
    json: bool,
    title_width: usize,
    expected_width: usize,
    verdict_width: usize,
    color: bool,
    spinner: ProgressBar,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api: &'a str,
    checks: &'a [Row],
    /// What could not be removed.
    left: &'a [String],
    exit_code: u8,
}

impl<'a> Screen<'a> {
    pub(super) fn new(output: &'a Output, json: bool, groups: &[Group]) -> Self {
        let widest = |text: fn(&Check) -> &'static str| {
            groups
                .iter()
                .flat_map(|group| group.checks)
                .map(|check| text(check).chars().count())
                .max()
                .unwrap_or(0)
        };
        let spinner = ProgressBar::new_spinner();
        spinner.set_style(ProgressStyle::with_template("  {spinner} {msg}").expect("a literal template"));
        Self {
            output,
            json,
            title_width: widest(|check| check.title),
            expected_width: widest(|check| check.expected),
            verdict_width: Verdict::NotEnforcedHere.as_str().len(),
            color: output.is_terminal() && !json,
            spinner,
        }
    }

    pub(super) fn begin(&self, api: &str, local: bool) {
        if !self.json {
            let engine = if local { " (the local engine)" } else { "" };
            self.output.line(&format!("Probing {api}{engine}"));
        }
    }

    pub(super) fn group(&self, group: &Group) {
        if !self.json {
            self.spinner.suspend(|| self.output.line(&format!("\n{}", self.styled("1", group.title))));
        }
    }

    /// Says what is under way to whoever watches a terminal.
    pub(super) fn trying(&self, check: &Check) {
        self.spinner.set_message(check.title);
        self.spinner.enable_steady_tick(Duration::from_millis(120));
    }

    /// Says that something takes long.
    pub(super) fn waiting(&self, what: &str, time: Duration) {
        let minutes = time.as_secs() / 60;
        let text = format!(
            "waiting {minutes} min {:02} s for {what} (--quick leaves this out)",
            time.as_secs() % 60
        );
        if self.spinner.is_hidden() {
            self.output.note(&text);
        } else {
            self.spinner.set_message(text);
        }
    }

    pub(super) fn row(&self, row: &Row) {
        self.spinner.disable_steady_tick();
        if self.json {
            return;
        }
        let color = match row.verdict {
            Verdict::Held => "32",
            Verdict::Hole => "1;31",
            Verdict::NoAnswer => "33",
            Verdict::NotEnforcedHere | Verdict::NotTried => "2",
        };
        let verdict = format!("{:<width$}", row.verdict.as_str(), width = self.verdict_width);
        let line = format!(
            "  {:<title$}  {:<expected$}  {}  {}",
            row.check,
            row.expected,
            self.styled(color, &verdict),
            row.seen,
            title = self.title_width,
            expected = self.expected_width,
        );
        self.spinner.suspend(|| self.output.line(line.trim_end()));
    }

    pub(super) fn cleaning(&self) {
        self.spinner.set_message("removing what was made");
        self.spinner.enable_steady_tick(Duration::from_millis(120));
    }

    pub(super) fn end(&self, api: &str, rows: &[Row], left: &[String], exit: Exit) {
        self.spinner.finish_and_clear();
        if self.json {
            self.output.json_line(&Document { api, checks: rows, left, exit_code: exit as u8 });
            return;
        }
        let verdicts =
            [Verdict::Held, Verdict::Hole, Verdict::NotEnforcedHere, Verdict::NotTried, Verdict::NoAnswer];
        let counts = verdicts.iter().filter_map(|verdict| {
            let count = rows.iter().filter(|row| row.verdict == *verdict).count();
            (count > 0).then(|| format!("{count} {}", verdict.as_str()))
        });
        self.output.line(&format!("\n{}", counts.collect::<Vec<_>>().join(", ")));
        match left {
            [] => self.output.line("Everything that was made has been removed."),
            left => left.iter().for_each(|sentence| self.output.line(&format!("Not removed: {sentence}"))),
        }
        if exit == Exit::Interrupted {
            self.output.line("Interrupted: the rest was not tried.");
        }
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}
