//! What each message says.

use super::*;

impl PostgreSql {
    /// A whole message of the client.
    pub(super) fn request(&mut self, kind: u8, body: Message<'_>, out: &mut dyn EventSink) {
        if kind != b'p' && !self.server_spoke {
            // One direction alone was captured: no verdict will come.
            self.login.finish(Outcome::Unknown, out);
        }
        let mut cursor = body.cursor();
        match kind {
            b'B' => drop(self.bind(body, out)),
            b'C' | b'D' => {
                if let (Some(what), Some(name)) = (cursor.u8(), cursor.c_string()) {
                    match kind {
                        b'C' => self.requests.close(what, name),
                        _ => self.requests.describe(what, name),
                    }
                }
            }
            b'E' => self.requests.execute(cursor.c_string().unwrap_or_default()),
            b'P' => drop(self.parse(body, out)),
            b'Q' => {
                self.requests.query();
                let statement = cursor.c_string().unwrap_or_default();
                self.end_transfer(out);
                self.bulk = Bulk::of(statement, Dialect::PostgreSql);
                self.say_statement(body, 0, statement.len(), out);
            }
            b'S' => self.requests.sync(),
            b'c' | b'f' => self.end_transfer(out),
            b'd' => self.transfer(Direction::ToServer).data(body.input.data, body.at, body.end, out),
            b'p' if self.login.is_open() => self.login.answer(body.bytes(), body.span()),
            _ => {}
        }
        self.requests.tell(out);
    }

    /// A whole message of the server.
    pub(super) fn reply(&mut self, kind: u8, body: Message<'_>, out: &mut dyn EventSink) {
        match kind {
            b'A' => {
                let mut cursor = body.cursor();
                if let (Some(()), Some(_channel)) = (cursor.skip(4), cursor.c_string()) {
                    let from = cursor.position();
                    let payload = cursor.c_string().unwrap_or_default();
                    self.say_text("postgresql.notification", body, from, payload.len(), out);
                }
            }
            b'C' | b'I' | b's' => {
                self.requests.complete();
                self.end_transfer(out);
            }
            b'D' => self.row(body, out),
            b'E' | b'N' => self.error(kind, body, out),
            b'G' | b'H' | b'W' => self.copy_begins(kind, body, out),
            b'R' => self.login.request(body.bytes(), body.span(), out),
            b'T' => {
                if let Some(columns) = columns(body.bytes()) {
                    self.requests.described(Columns::new(columns, |column| &column.name));
                }
            }
            b'Z' => {
                // The server is ready for a query: whatever it said before was a yes.
                self.login.ready(out);
                self.requests.ready();
                self.end_transfer(out);
            }
            b'c' => self.end_transfer(out),
            b'd' => self.transfer(Direction::ToClient).data(body.input.data, body.at, body.end, out),
            b'n' => self.requests.no_data(),
            b't' => {
                let mut cursor = body.cursor();
                let count = cursor.u16_be().unwrap_or(0);
                self.requests.parameter_types((0..count).map_while(|_| cursor.u32_be()).collect());
            }
            _ => {}
        }
    }

    fn parse(&mut self, body: Message<'_>, out: &mut dyn EventSink) -> Option<()> {
        let mut cursor = body.cursor();
        let name = cursor.c_string()?;
        let from = cursor.position();
        let statement = cursor.c_string()?;
        let count = cursor.u16_be()?;
        let oids = (0..count).map_while(|_| cursor.u32_be()).collect();
        self.requests.parse(name, Parameters::of(statement, Dialect::PostgreSql), oids);
        self.say_statement(body, from, statement.len(), out);
        Some(())
    }

    fn bind(&mut self, body: Message<'_>, out: &mut dyn EventSink) -> Option<()> {
        let mut cursor = body.cursor();
        let (portal, name) = (cursor.c_string()?, cursor.c_string()?);
        let formats = formats(&mut cursor)?;
        let count = usize::from(cursor.u16_be()?);
        let mut values = cursor;
        for _ in 0..count {
            pass_value(&mut cursor)?;
        }
        let statement = self.requests.bind(portal, name, self::formats(&mut cursor)?)?;
        for index in 0..count {
            let length = values.u32_be()?;
            if length == u32::MAX {
                continue;
            }
            let start = body.at + values.position();
            let value = values.take(length as usize)?;
            let oid = statement.oids.get(index).copied().unwrap_or(0);
            values::readable(oid, Some(is_binary(&formats, index)), value, &mut |shown| {
                let span = body.input.span(start..start + value.len());
                naming(Direction::ToServer, None, &statement.parameters, index, count).say(shown, span, out);
            });
        }
        Some(())
    }

    fn row(&mut self, body: Message<'_>, out: &mut dyn EventSink) {
        let row = self.requests.row();
        let mut cursor = body.cursor();
        let count = usize::from(cursor.u16_be().unwrap_or(0));
        let named = row.fitting(count).and_then(|c| c.account);
        let first = cursor;
        let account = named.and_then(|n| nth_value(first, n));
        for index in 0..count {
            let Some(length) = cursor.u32_be() else { return };
            if length == u32::MAX {
                continue;
            }
            let start = body.at + cursor.position();
            let Some(value) = cursor.take(length as usize) else { return };
            let (name, oid, binary) = row.column(index, count);
            let called = row.fitting(count).and_then(|c| c.called(index, name, |n| nth_value(first, n)));
            values::readable(oid, binary, value, &mut |shown| {
                let span = body.input.span(start..start + value.len());
                let mut named_value = naming(Direction::ToClient, Some(row), &NO_PARAMETERS, index, count);
                named_value.name = called.as_deref().unwrap_or(name);
                named_value.account = account.filter(|_| named != Some(index));
                named_value.say(shown, span, out);
            });
        }
    }

    fn error(&mut self, kind: u8, body: Message<'_>, out: &mut dyn EventSink) {
        let mut cursor = body.cursor();
        let mut sqlstate: &[u8] = b"";
        while let Some(field) = cursor.u8().filter(|f| *f != 0) {
            let from = cursor.position();
            let Some(text) = cursor.c_string() else { break };
            match field {
                b'C' => sqlstate = text,
                b'D' | b'M' => self.say_text("postgresql.error", body, from, text.len(), out),
                _ => {}
            }
        }
        if kind == b'N' {
            return;
        }
        if self.login.is_open() {
            self.login.refused(sqlstate, out);
        }
        self.requests.failed();
        self.end_transfer(out);
    }

    fn copy_begins(&mut self, kind: u8, body: Message<'_>, out: &mut dyn EventSink) {
        self.end_transfer(out);
        let direction = if kind == b'G' { Direction::ToServer } else { Direction::ToClient };
        if body.bytes().first() == Some(&1) {
            let bulk = self.bulk.get_or_insert_default();
            bulk.format = BulkFormat::Binary;
        }
        self.transfer(direction);
    }

    fn transfer(&mut self, direction: Direction) -> &mut Transfer {
        let Self { transfer, bulk, .. } = self;
        transfer.get_or_insert_with(|| Transfer::new(bulk.take(), COPY, direction))
    }

    fn end_transfer(&mut self, out: &mut dyn EventSink) {
        if let Some(mut transfer) = self.transfer.take() {
            transfer.finish(out);
        }
    }

    /// `from` and `length` are within the body.
    fn say_statement(&mut self, body: Message<'_>, from: usize, length: usize, out: &mut dyn EventSink) {
        let start = body.at + from;
        let emit = &mut |data: Stretch<'_>, seen: usize| out.event(sql(data, seen));
        self.statement.push_part(body.input.data, start..start + length, emit);
        self.statement.finish(emit);
    }

    fn say_text(
        &mut self,
        place: &'static str,
        body: Message<'_>,
        from: usize,
        length: usize,
        out: &mut dyn EventSink,
    ) {
        let start = body.at + from;
        let emit = &mut |data: Stretch<'_>, seen: usize| {
            let (format, direction, outcome) = (Format::Plain, Direction::ToClient, Outcome::Unknown);
            out.event(Event::Text(Text { format, place, resource: "", direction, outcome, data, seen }));
        };
        self.notice.push_part(body.input.data, start..start + length, emit);
        self.notice.finish(emit);
    }

    /// A message too long to be waited for begins.
    pub(super) fn long_message(
        &mut self,
        input: Input<'_>,
        at: usize,
        kind: u8,
        length: u64,
        out: &mut dyn EventSink,
    ) -> Step {
        let bytes = input.bytes().get(at + HEADER..).unwrap_or_default();
        let mut cursor = Cursor::new(bytes);
        let left = length - HEADER as u64;
        let direction = input.direction;
        match (direction, kind) {
            (_, b'd') => self.side(direction).part = Part::Copy(left),
            (Direction::ToServer, b'Q') => {
                self.requests.query();
                self.side(direction).part = Part::Query(left);
            }
            (Direction::ToServer, b'P') => {
                let Some(name) = cursor.c_string() else { return Step::Wait(length) };
                self.requests.parse(name, Parameters::default(), Vec::new());
                self.side(direction).part = Part::Query(left - cursor.position() as u64);
            }
            (Direction::ToServer, b'B') => {
                let head = (cursor.c_string(), cursor.c_string(), formats(&mut cursor), cursor.u16_be());
                let (Some(portal), Some(name), Some(formats), Some(count)) = head else {
                    if bytes.len() as u64 > WHOLE_BYTES {
                        return self.lose(direction, out);
                    }
                    return Step::Wait(length);
                };
                let statement = self.requests.bind(portal, name, Formats::new());
                let (parameters, oids) = statement.map(|s| (s.parameters.clone(), s.oids.clone())).unwrap_or_default();
                let left = left - cursor.position() as u64;
                let count = usize::from(count);
                let (index, row, long) = (0, None, None);
                let values = Values { left, index, count, row, parameters, formats, oids, long };
                self.side(direction).part = Part::Values(Box::new(values));
            }
            (Direction::ToClient, b'D') => {
                let Some(count) = cursor.u16_be() else { return Step::Wait(length) };
                let row = Some(self.requests.row().clone());
                let left = left - cursor.position() as u64;
                let (index, count, long) = (0, usize::from(count), None);
                let (parameters, formats, oids) = Default::default();
                let values = Values { left, index, count, row, parameters, formats, oids, long };
                self.side(direction).part = Part::Values(Box::new(values));
            }
            _ => {
                out.event(Event::Skipped { reason: Skip::Limit, bytes: length });
                self.side(direction).part = Part::Pass(left);
            }
        }
        Step::Took(HEADER + cursor.position())
    }

    /// More of a long statement or of COPY data.
    pub(super) fn streamed(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let here = input.bytes().len() - at;
        let direction = input.direction;
        let (Part::Copy(left) | Part::Query(left)) = &mut self.side(direction).part else { return Step::Took(0) };
        let count = here.min(usize::try_from(*left).unwrap_or(usize::MAX));
        if count == 0 {
            return Step::Wait(*left);
        }
        *left -= count as u64;
        let last = *left == 0;
        match std::mem::take(&mut self.side(direction).part) {
            Part::Query(left) => {
                // The zero byte at the end is none of the statement's.
                let end = at + count - usize::from(last);
                let emit = &mut |data: Stretch<'_>, seen: usize| out.event(sql(data, seen));
                self.statement.push_part(input.data, at..end, emit);
                if last {
                    self.statement.finish(emit);
                } else {
                    self.side(direction).part = Part::Query(left);
                }
            }
            Part::Copy(left) => {
                self.transfer(direction).data(input.data, at, at + count, out);
                if !last {
                    self.side(direction).part = Part::Copy(left);
                }
            }
            _ => {}
        }
        Step::Took(count)
    }

    /// The next value of a long DataRow or Bind.
    pub(super) fn value(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Step {
        let direction = input.direction;
        let Part::Values(mut values) = std::mem::take(&mut self.side(direction).part) else { return Step::Took(0) };
        let step = values.step(input, at, out);
        self.side(direction).part = match &step {
            Some(_) => Part::Values(values),
            None => Part::Pass(values.left),
        };
        step.unwrap_or(Step::Took(0))
    }
}

impl Values {
    /// `None`: only the rest of the message is left.
    fn step(&mut self, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Option<Step> {
        let Self { left, index, count, row, parameters, formats, oids, long } = self;
        let named = naming(input.direction, row.as_ref(), parameters, *index, *count);
        if let Some(value) = long {
            let step = match value.feed(input.data, at..input.bytes().len(), &named, out) {
                Fed::Wait | Fed::Took(0) => return Some(Step::Wait(*left)),
                Fed::Took(taken) => {
                    *left = left.saturating_sub(taken as u64);
                    Step::Took(taken)
                }
                Fed::Skip(skipped) => {
                    *left = left.saturating_sub(skipped);
                    Step::Skip(skipped)
                }
            };
            if value.left() == 0 {
                *long = None;
                *index += 1;
            }
            return Some(step);
        }
        if index >= count || *left < 4 {
            return None;
        }
        let bytes = input.bytes().get(at..).unwrap_or_default();
        let mut cursor = Cursor::new(bytes);
        let Some(length) = cursor.u32_be() else { return Some(Step::Wait(*left)) };
        if length == u32::MAX {
            *left -= 4;
            *index += 1;
            return Some(Step::Took(4));
        }
        if u64::from(length) + 4 > *left {
            return None;
        }
        if u64::from(length) > WHOLE_BYTES {
            *long = Some(LongValue::new(u64::from(length)));
            *left -= 4;
            return Some(Step::Took(4));
        }
        let Some(value) = cursor.take(length as usize) else { return Some(Step::Wait(*left)) };
        let (oid, binary) = match row.as_ref() {
            Some(row) => {
                let (_, oid, binary) = row.column(*index, *count);
                (oid, binary)
            }
            None => (oids.get(*index).copied().unwrap_or(0), Some(is_binary(formats, *index))),
        };
        let span = input.span(at + 4..at + 4 + value.len());
        values::readable(oid, binary, value, &mut |shown| named.say(shown, span, out));
        *left -= 4 + u64::from(length);
        *index += 1;
        Some(Step::Took(4 + value.len()))
    }
}

static NO_PARAMETERS: Parameters = Parameters::none();

/// What a value of a row (with `row`) or of a Bind is called.
pub(super) fn naming<'a>(
    direction: Direction,
    row: Option<&'a Row>,
    parameters: &'a Parameters,
    index: usize,
    count: usize,
) -> Named<'a> {
    const NUMBERS: [&str; 9] = ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9"];
    let (kind, place, name, resource) = match row {
        Some(row) => (FieldKind::Column, ROW, row.column(index, count).0, ""),
        None => {
            let name = match parameters.name(index) {
                "" => NUMBERS.get(index).copied().unwrap_or(""),
                name => name,
            };
            (FieldKind::Parameter, BIND, name, parameters.table.as_str())
        }
    };
    Named { kind, place, name, resource, direction, account: None }
}

fn columns(body: &[u8]) -> Option<Vec<Column>> {
    let mut cursor = Cursor::new(body);
    let count = cursor.u16_be()?;
    let mut columns = Vec::new();
    for _ in 0..count {
        let name = String::from_utf8_lossy(cursor.c_string()?).into_owned();
        // Table, attribute number.
        cursor.skip(6)?;
        let oid = cursor.u32_be()?;
        // Size, modifier.
        cursor.skip(6)?;
        columns.push(Column { name, oid, binary: cursor.u16_be()? == 1 });
    }
    Some(columns)
}

fn formats(cursor: &mut Cursor<'_>) -> Option<Formats> {
    let count = usize::from(cursor.u16_be()?);
    let codes = cursor.take(count * 2)?;
    Some(codes.chunks(2).map(|code| code == [0, 1]).collect())
}

fn pass_value(cursor: &mut Cursor<'_>) -> Option<()> {
    match cursor.u32_be()? {
        u32::MAX => Some(()),
        length => cursor.skip(length as usize),
    }
}

fn nth_value(mut cursor: Cursor<'_>, n: usize) -> Option<&[u8]> {
    for _ in 0..n {
        pass_value(&mut cursor)?;
    }
    let length = cursor.u32_be()?;
    cursor.take(length as usize).filter(|v| !v.is_empty())
}
