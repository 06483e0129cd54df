//! The streams of a connection: each is a request and its answer.

use std::collections::BTreeMap;
use std::ops::Range;

use super::fields::Fields;
use crate::content::media::Media;
use crate::model::event::{Event, EventSink, Skip};
use crate::model::flow::Direction;
use crate::model::limits::{self, Cap};
use crate::model::stream::Input;
use crate::proto::authorization::Challenges;
use crate::proto::http::body::Body;
use crate::proto::http::envelope::{Envelope, Framing};
use crate::proto::http::exchange::{Answer, Exchange, settle};
use crate::proto::http::request::{Memory, split_target};
use crate::proto::http::rpc::Messages;
use crate::proto::http::start::RequestLine;

/// The streams that are not over, and what the connection remembers.
#[derive(Default)]
pub(super) struct Streams {
    open: Open,
    memory: Memory,
}

#[derive(Default)]
struct Open {
    streams: BTreeMap<u32, Stream>,
    /// Bytes that their content holds.
    weight: usize,
}

#[derive(Default)]
struct Stream {
    /// The request, until it is known how it went.
    exchange: Option<Exchange>,
    /// The request was seen.
    asked: bool,
    /// Its path.
    path: String,
    answer: Option<Answer>,
    /// The answer says behind its content how the request went.
    unsettled: bool,
    bodies: [Option<Box<Body>>; 2],
    ended: [bool; 2],
}

impl Streams {
    /// Streams of a connection of HTTP/1 that was upgraded: its last request is that of stream 1.
    pub(super) fn after(exchange: Option<Exchange>, memory: Memory) -> Self {
        let path = exchange.as_ref().map(|exchange| exchange.path.clone()).unwrap_or_default();
        let first = Stream { exchange, asked: true, path, ended: [true, false], ..Stream::default() };
        Self { open: Open { streams: BTreeMap::from([(1, first)]), weight: 0 }, memory }
    }

    /// A block of headers. With `last`, nothing follows it.
    pub(super) fn block(
        &mut self,
        direction: Direction,
        id: u32,
        fields: &Fields,
        last: bool,
        out: &mut dyn EventSink,
    ) {
        let Self { open, memory } = self;
        let stream = open.stream(id, &memory.challenges, out);
        let status = fields.find(":status").and_then(|h| std::str::from_utf8(h.value).ok()?.parse::<u16>().ok());
        let of_call = fields.find("grpc-status").is_some();
        match direction {
            Direction::ToServer if !stream.asked => stream.request(memory, id, fields, last, out),
            // The answer is yet to come.
            Direction::ToClient if status.is_some_and(|status| (100..200).contains(&status)) => {}
            Direction::ToClient if status.is_some() || stream.answer.is_none() && !of_call => {
                stream.response(memory, (id, status.unwrap_or_default()), fields, last, out);
            }
            _ => {
                let status = memory.trailers(direction, &stream.path, fields.data(), fields.headers(), out);
                stream.called(status);
            }
        }
        stream.settle(&memory.challenges, out);
        if last {
            self.end(direction, id, out);
        }
    }

    /// The server says what a client would ask for, and will answer that on another stream.
    pub(super) fn promise(&mut self, id: u32, fields: &Fields, out: &mut dyn EventSink) {
        let stream = self.open.stream(id, &self.memory.challenges, out);
        let path = fields.find(":path").map_or(&b""[..], |header| split_target(header.value).0);
        stream.path = String::from_utf8_lossy(path).into_owned();
        stream.asked = true;
        stream.ended = [true, false];
    }

    /// A part of content. `whole`: all of the content of its frame.
    pub(super) fn data(
        &mut self,
        input: Input<'_>,
        id: u32,
        range: Range<usize>,
        whole: bool,
        out: &mut dyn EventSink,
    ) {
        let stream = self.open.stream(id, &self.memory.challenges, out);
        let side = input.direction.index();
        if stream.ended.get(side) == Some(&true) {
            return out.event(Event::Skipped { reason: Skip::Malformed, bytes: range.len() as u64 });
        }
        if stream.bodies.get(side).is_some_and(Option::is_none) {
            // What headers said of it was not captured.
            let messages = whole && input.bytes().get(range.clone()).is_some_and(Messages::fit);
            let media = if messages { Media::Rpc { base64: false } } else { Media::Unknown };
            stream.begin(input.direction, id, Envelope::of(media));
        }
        let all = self.open.weight;
        let Some(body) = self.open.body(input.direction, id) else { return };
        let others = all.saturating_sub(body.weight());
        body.content(input.data, range, out);
        if others + body.weight() > limits::STREAMS_BYTES {
            body.stop(out);
        }
        self.open.weight = others + body.weight();
    }

    /// Whether nothing more of a stream's content is wanted: then so many bytes are counted.
    pub(super) fn pass_over(&mut self, direction: Direction, id: u32, more: u64) -> bool {
        self.open.body(direction, id).is_some_and(|body| body.pass_over(more))
    }

    /// Bytes of content of a stream are missing.
    pub(super) fn gap(&mut self, direction: Direction, id: u32, missing: u64, out: &mut dyn EventSink) {
        let all = self.open.weight;
        if let Some(body) = self.open.body(direction, id) {
            let others = all.saturating_sub(body.weight());
            // Where in it the next bytes stand, their frame says.
            let _ = body.gap(missing, out);
            self.open.weight = others + body.weight();
        }
    }

    /// Any frames of a direction may be missing.
    pub(super) fn lose(&mut self, direction: Direction, out: &mut dyn EventSink) {
        let ids: Vec<u32> = self.open.streams.keys().copied().collect();
        for id in ids {
            if self.open.body(direction, id).is_some_and(|body| body.is_messages()) {
                self.open.finish(direction, id, out);
            } else {
                self.gap(direction, id, u64::MAX, out);
            }
        }
    }

    /// Nothing more will come of a stream in one direction.
    pub(super) fn end(&mut self, direction: Direction, id: u32, out: &mut dyn EventSink) {
        self.open.finish(direction, id, out);
        let Some(stream) = self.open.streams.get_mut(&id) else { return };
        if let Some(ended) = stream.ended.get_mut(direction.index()) {
            *ended = true;
        }
        stream.settle(&self.memory.challenges, out);
        if stream.ended == [true; 2] {
            self.close(id, out);
        }
    }

    /// A stream is over.
    pub(super) fn close(&mut self, id: u32, out: &mut dyn EventSink) {
        self.open.close(id, &self.memory.challenges, out);
    }

    /// The connection is over.
    pub(super) fn end_all(&mut self, out: &mut dyn EventSink) {
        while let Some(id) = self.open.streams.keys().next().copied() {
            self.close(id, out);
        }
    }
}

impl Open {
    /// A stream, which may be a new one. Of too many, one that has nothing more to say makes room.
    fn stream(&mut self, id: u32, challenges: &Challenges, out: &mut dyn EventSink) -> &mut Stream {
        if self.streams.len() >= limits::STREAMS && !self.streams.contains_key(&id) {
            let quiet = self.streams.iter().find(|(_, stream)| stream.bodies.iter().all(Option::is_none));
            if let Some((&oldest, stream)) = quiet.or_else(|| self.streams.first_key_value()) {
                if stream.exchange.is_some() {
                    out.beyond(Cap::Outstanding);
                }
                self.close(oldest, challenges, out);
            }
        }
        self.streams.entry(id).or_default()
    }

    fn body(&mut self, direction: Direction, id: u32) -> Option<&mut Body> {
        self.streams.get_mut(&id)?.bodies.get_mut(direction.index())?.as_deref_mut()
    }

    /// Says the rest of content.
    fn finish(&mut self, direction: Direction, id: u32, out: &mut dyn EventSink) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let Some(body) = stream.bodies.get_mut(direction.index()).and_then(Option::take) else { return };
        self.weight = self.weight.saturating_sub(body.weight());
        if direction == Direction::ToClient {
            stream.called(body.call_status());
        }
        if let Some((_, held)) = body.finish(true, out) {
            match &mut stream.exchange {
                Some(exchange) => exchange.held.push(held),
                None => held.report(stream.answer, out),
            }
        }
    }

    fn close(&mut self, id: u32, challenges: &Challenges, out: &mut dyn EventSink) {
        for direction in Direction::BOTH {
            self.finish(direction, id, out);
        }
        if let Some(stream) = self.streams.remove(&id)
            && let Some(exchange) = stream.exchange
        {
            settle(exchange, stream.answer, challenges, out);
        }
    }
}

impl Stream {
    fn request(&mut self, memory: &mut Memory, id: u32, fields: &Fields, last: bool, out: &mut dyn EventSink) {
        let (method, target) = (fields.find(":method"), fields.find(":path"));
        let line = RequestLine {
            method: method.map_or(b"", |header| header.value),
            target: target.map_or(b"", |header| header.value),
            target_at: target.map_or(0, |header| header.at),
            old: false,
        };
        let request = memory.request(&line, fields.data(), fields.headers(), true, out);
        self.asked = true;
        self.path.clone_from(&request.exchange.path);
        self.exchange = Some(request.exchange);
        if !last {
            self.begin(Direction::ToServer, id, request.envelope);
        }
    }

    fn response(
        &mut self,
        memory: &mut Memory,
        (id, status): (u32, u16),
        fields: &Fields,
        last: bool,
        out: &mut dyn EventSink,
    ) {
        let response = memory.response(status, &self.path, fields.data(), fields.headers(), out);
        self.answer = Some(response.answer);
        self.unsettled = response.unsettled;
        if !last {
            self.begin(Direction::ToClient, id, response.envelope);
        }
    }

    fn begin(&mut self, direction: Direction, id: u32, envelope: Envelope) {
        if let Some(place) = self.bodies.get_mut(direction.index()) {
            // Answers wait for nothing.
            let number = if direction == Direction::ToServer { id.into() } else { 0 };
            *place = Some(Box::new(Body::new(envelope, Framing::Close, direction, self.path.clone(), number)));
        }
    }

    /// The answer said so of how the request went.
    fn called(&mut self, status: Option<u16>) {
        if status.is_some() {
            self.answer.get_or_insert(Answer { status: 200, ..Answer::default() }).call(status);
            self.unsettled = false;
        }
    }

    /// Reports what waited for the answer, once that has said how the request went.
    fn settle(&mut self, challenges: &Challenges, out: &mut dyn EventSink) {
        let [_, answered] = self.ended;
        if let Some(answer) = self.answer.filter(|_| answered || !self.unsettled)
            && let Some(exchange) = self.exchange.take()
        {
            settle(exchange, Some(answer), challenges, out);
        }
    }
}
