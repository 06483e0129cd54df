//! Coded content that was seen before: what was found in it is found again, and it need not be decoded.

use crate::model::digest::Digest;
use crate::model::event::Event;
use crate::model::finding::Finding;
use crate::model::packet::{Mark, Span};
use crate::model::stream::{Origin, Stretch};
use crate::rules::{Familiar, Matcher};

/// What is known of contents.
#[derive(Debug)]
pub(super) struct Recall {
    contents: Familiar<Known>,
    /// What was found so far in the content that is being read; nothing once more was said of it than can be
    /// said again.
    reading: Option<Vec<Finding>>,
}

/// A finding in a content.
#[derive(Debug)]
struct Known {
    finding: Finding,
    /// Its first and its last packet, by their place among those of the content.
    origins: [usize; 2],
    /// How the content was cut into packets: cut otherwise, it has its findings in others.
    cuts: Digest,
}

impl Recall {
    /// Remembers so many contents.
    pub(super) fn of(contents: usize) -> Self {
        Self { contents: Familiar::of(contents), reading: None }
    }

    /// Forgets them all.
    pub(super) fn forget(&mut self) {
        self.contents.forget();
        self.reading = None;
    }

    /// What is known to be in content, with its packets; `None` where that is not known, and the content is
    /// read from now on.
    pub(super) fn found(
        &mut self,
        content: &Digest,
        coded: Stretch<'_>,
    ) -> Option<impl Iterator<Item = (&Finding, Span)>> {
        let known = self
            .contents
            .found(content)
            .filter(|known| known.first().is_none_or(|first| first.cuts == cuts(coded.origins)));
        self.reading = if known.is_some() { None } else { Some(Vec::new()) };
        let mark = |n: usize| coded.origins.get(n).map_or_else(Mark::default, |origin| origin.mark);
        known.map(move |known| {
            known.iter().map(move |Known { finding, origins: [first, last], .. }| {
                (finding, Span { first: mark(*first), last: mark(*last) })
            })
        })
    }

    /// Something was said. More than text cannot be said again, nor what is counted.
    pub(super) fn event(&mut self, event: &Event<'_>, counted: bool) {
        if counted || !matches!(event, Event::Text(_)) {
            self.reading = None;
        }
    }

    /// Something was found.
    pub(super) fn finding(&mut self, finding: &Finding) {
        let Some(found) = &mut self.reading else { return };
        if finding.value.is_some() && finding.username.is_none() && found.len() < Familiar::<Known>::MOST {
            found.push(finding.clone());
        } else {
            self.reading = None;
        }
    }

    /// The content was read.
    pub(super) fn learn(&mut self, content: Digest, coded: Stretch<'_>, matcher: &Matcher) {
        let Some(found) = self.reading.take() else { return };
        if !found.iter().all(|finding| matcher.is_lasting(finding.rule)) {
            return;
        }
        let cuts = cuts(coded.origins);
        let known = found.into_iter().map(|finding| {
            let origins = [place(coded.origins, finding.span.first)?, place(coded.origins, finding.span.last)?];
            Some(Known { finding, origins, cuts })
        });
        if let Some(known) = known.collect() {
            self.contents.remember(content, known);
        }
    }
}

/// The one place of a packet among others.
fn place(origins: &[Origin], mark: Mark) -> Option<usize> {
    let mut places = (0..).zip(origins).filter(|(_, origin)| origin.mark == mark).map(|(n, _)| n);
    places.next().filter(|_| places.next().is_none())
}

fn cuts(origins: &[Origin]) -> Digest {
    let starts: Vec<u8> = origins.iter().flat_map(|origin| origin.start.to_le_bytes()).collect();
    Digest::of(&[&starts])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::event::{Format, Outcome, Text};
    use crate::model::flow::{Direction, Flow};
    use crate::model::limits::Cap;
    use crate::model::packet::FrameNo;
    use crate::rules::{Catalogue, Context, Engine, Options};

    const RULE: &str = r#"
        [[rule]]
        id = "test.badge"
        title = "A badge"
        kind = "pii.badge"
        severity = "high"
        description = "Only a test."
        fix = "None."
        on = "content"
        keywords = ["badge-"]
        regex = "badge-[0-9]+"
    "#;

    fn mark(number: u64) -> Mark {
        Mark { frame: FrameNo { file: 0, number }, ..Mark::default() }
    }

    /// Three packets from a frame on.
    fn packets(first: u64, cut: usize) -> [Origin; 3] {
        [(0, 0), (1, cut), (2, 20)].map(|(n, start)| Origin { start, mark: mark(first + n) })
    }

    #[test]
    fn what_was_found_in_a_content_is_found_in_the_same_packets_of_it() {
        let mut catalogue = Catalogue::default();
        catalogue.add("test", RULE).unwrap();
        let mut engine = Engine::new(Matcher::new(Arc::new(catalogue), Options::default()).unwrap());
        let flow = Flow::OF_CAPTURE;
        let at = Context { flow: &flow, protocol: "http", server_name: None };
        let content = Digest::of(&[b"content"]);
        let mut recall = Recall::of(8);
        let spans = |origins: &[Origin], recall: &mut Recall| -> Option<Vec<Span>> {
            let coded = Stretch { bytes: &[0; 30], origins };
            recall.found(&content, coded).map(|found| found.map(|(_, span)| span).collect())
        };
        let mut read = |more: Option<Event<'_>>, origins: &[Origin], recall: &mut Recall| {
            let text = Event::Text(Text {
                format: Format::Plain,
                place: "http.response.body",
                resource: "/",
                direction: Direction::ToClient,
                outcome: Outcome::Unknown,
                data: Stretch { bytes: b"1234567890: badge-4711 of ...", origins },
                seen: 0,
            });
            for event in more.into_iter().chain([text]) {
                engine.event(&at, &event, &mut |finding| recall.finding(&finding));
                recall.event(&event, engine.has_counted());
            }
            recall.learn(content, Stretch { bytes: &[0; 30], origins }, engine.matcher());
        };
        assert_eq!(spans(&packets(5, 10), &mut recall), None);
        read(Some(Event::Beyond(Cap::Expected)), &packets(5, 10), &mut recall);
        assert_eq!(spans(&packets(5, 10), &mut recall), None, "more was said than can be said again");
        read(None, &packets(5, 10), &mut recall);
        assert_eq!(spans(&packets(80, 10), &mut recall), Some(vec![Span { first: mark(81), last: mark(82) }]));
        assert_eq!(spans(&packets(90, 11), &mut recall), None, "it was cut otherwise");
    }
}
