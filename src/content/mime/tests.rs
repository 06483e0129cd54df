use super::*;
use crate::model::packet::Mark;
use crate::model::stream::Origin;

const PLACE: Place = Place { header: "m.header", body: "m" };

#[derive(Default)]
struct Said(Vec<String>);

impl EventSink for Said {
    fn event(&mut self, event: Event<'_>) {
        let lossy = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        self.0.push(match event {
            Event::Field(f) => format!("{}={}", f.name, lossy(f.value.expose())),
            Event::Text(t) => format!("{:?} {} {}", t.format, t.resource, lossy(&t.data.bytes[t.seen..])),
            Event::Skipped { reason, bytes } => format!("{} {bytes}", reason.name()),
            _ => return,
        });
    }
}

fn read(message: &[u8], step: usize) -> Vec<String> {
    let mut said = Said::default();
    let mut reader = Message::new(PLACE, Direction::ToServer);
    for piece in message.chunks(step) {
        let origins = [Origin { start: 0, mark: Mark::default() }];
        reader.push(Stretch { bytes: piece, origins: &origins }, 0..piece.len(), &mut said);
    }
    reader.finish(&mut said);
    said.0
}

/// Reads in one piece, and checks that cutting it up gives the same.
fn read_every_cut(message: &[u8]) -> Vec<String> {
    let whole = read(message, message.len());
    for step in [1, 2, 3, 7, 61] {
        assert_eq!(read(message, step), whole, "in pieces of {step}");
    }
    whole
}

#[test]
fn encoded_words_and_folded_fields_are_read() {
    let said = read_every_cut(
        b"Received: by mx1 with ESMTP id abc\r\nSubject: =?utf-8?B?UGFzc3dvcmQ=?=\r\n =?utf-8?Q?_is_x=3Dy?= now\r\n\r\nhi\r\n",
    );
    assert_eq!(said, ["Subject=Password is x=y now", "Plain  hi\r\n"]);
}

#[test]
fn parts_are_decoded_and_named() {
    let said = read_every_cut(
        b"Content-Type: multipart/mixed;\r\n boundary=\"b 1\"\r\n\r\npreamble\r\n--b 1\r\n\
          Content-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\n\r\nplain\r\n--b2\r\n\
          Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
          <p>caf=C3=A9 is =\r\nopen</p>\r\n--b2--\r\n--b 1\r\n\
          Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
          Content-Disposition: attachment; filename*=utf-8''p%C3%A4ss.csv\r\n\r\n\
          bmFtZSxwYXNz\r\nd29yZAphbGljZSxzZWNyZXQK\r\n--b 1\r\n\
          Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b 1--\r\n",
    );
    assert_eq!(
        said,
        [
            "Plain  preamble\r\n",
            "Plain  plain\r\n",
            "Html  <p>café is open</p>\r\n",
            "Csv päss.csv name,password\nalice,secret\n",
            "binary content 8",
        ]
    );
}

#[test]
fn a_forwarded_message_is_read_as_one() {
    let said = read_every_cut(b"Content-Type: message/rfc822\n\nSubject: inner\n\nbody\n");
    assert_eq!(said, ["Subject=inner", "Plain  body\n"]);
}

#[test]
fn an_attachment_is_judged_by_its_content() {
    let said = read_every_cut(
        b"Content-Type: application/x-thing; name=t.bin\nContent-Transfer-Encoding: base64\n\nAAECAwQFBgcAAQIDBAUGBw==\n",
    );
    assert_eq!(said, ["binary content 16"]);
}

#[test]
fn a_message_without_a_header_is_all_body() {
    assert_eq!(read_every_cut(b"hello there\r\nbye\r\n"), ["Plain  hello there\r\nbye\r\n"]);
}

#[test]
fn what_is_cut_off_is_reported_as_far_as_it_came() {
    let said = read_every_cut(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\npassword: hunt");
    assert_eq!(said, ["Plain  password: hunt"]);
}

#[test]
fn parts_and_words_in_other_charsets_are_read() {
    let said = read_every_cut(
        b"Subject: =?KOI8-R?B?0MHSz8zY?= =?Shift_JIS*ja?Q?=83p=83X?=\r\n\
          Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
          Content-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: base64\r\n\r\n\
          w9zC66O6eA==\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
          Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=\r\n=DFe\r\n--b\r\n\
          Content-Type: text/html\r\n\r\n<meta charset=windows-1251>\xef\xe0\xf0\r\n--b\r\n\
          Content-Type: application/octet-stream\r\n\r\n<?xml encoding='latin1'?>\xfc\r\n--b--\r\n",
    );
    assert_eq!(
        said,
        [
            "Subject=парольパス",
            "Plain  密码：x",
            "Plain  Grüße\r\n",
            "Html  <meta charset=windows-1251>пар\r\n",
            "Xml  <?xml encoding='latin1'?>ü\r\n",
        ]
    );
}
