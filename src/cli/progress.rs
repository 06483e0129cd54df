//! The bar on standard error, for reading that takes a while.

use std::cell::OnceCell;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::pipeline;
use crate::source::Input;

/// Reading that takes less than this needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that appears once it is worth it, if at all.
pub(super) struct Bar {
    bar: OnceCell<ProgressBar>,
    begun: Instant,
    wanted: bool,
    total: Option<u64>,
}

impl Bar {
    /// A bar for reading `inputs`; `wanted` unless the operator said otherwise.
    pub(super) fn new(inputs: &[Input], wanted: bool) -> Self {
        let size = |input: &Input| match input {
            Input::Path(path) => path.metadata().ok().filter(|file| file.is_file()).map(|file| file.len()),
            Input::Stdin => None,
        };
        Self {
            bar: OnceCell::new(),
            begun: Instant::now(),
            wanted: wanted && io::stderr().is_terminal(),
            total: inputs.iter().map(size).sum(),
        }
    }

    /// Shows how far reading has come.
    pub(super) fn show(&self, progress: pipeline::Progress) {
        if !self.wanted || self.begun.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_init(|| self.start());
        bar.set_position(progress.read);
        bar.set_message(format!("{} packets", HumanCount(progress.packets)));
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }

    fn start(&self) -> ProgressBar {
        let (bar, template) = match self.total {
            Some(total) => (
                ProgressBar::new(total),
                "{wide_bar:.cyan/dim} {percent:>3}%  {decimal_bytes_per_sec}  {msg}  {eta} left",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {decimal_bytes} read  {decimal_bytes_per_sec}  {msg}"),
        };
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}
