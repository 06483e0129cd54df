//! Any rule file becomes a catalogue that compiles and can be tried on its own examples, or an error.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use plainsight::rules::{Catalogue, Matcher, Options, check};

fuzz_target!(|text: &str| {
    let mut catalogue = Catalogue::default();
    if catalogue.add("fuzz.toml", text).is_err() {
        return;
    }
    if Matcher::new(Arc::new(catalogue.clone()), Options::default()).is_ok() {
        let _ = check(&catalogue);
    }
});
