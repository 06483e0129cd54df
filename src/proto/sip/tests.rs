use super::{TCP, UDP};
use crate::model::flow::Transport;
use crate::proto::replay::{C, S, Said, play, play_datagrams, play_every_cut, play_with_gap};

const CHALLENGE: &[u8] = b"SIP/2.0 401 Unauthorized\r\nCall-ID: 7@10.0.0.5\r\nCSeq: 1 REGISTER\r\n\
    WWW-Authenticate: Digest realm=\"pbx.example\", nonce=\"8a1f\", qop=\"auth\"\r\nContent-Length: 0\r\n\r\n";

const LINE: &str = "$sip$*pbx.example**1001*pbx.example*REGISTER*sip*pbx.example**8a1f*c0ff*00000001*auth*MD5*\
    0123456789abcdef0123456789abcdef";

fn register(sequence: u32, credentials: &str) -> Vec<u8> {
    format!(
        "REGISTER sip:pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:1001@pbx.example>;tag=1\r\nTo: <sip:1001@pbx.example>\r\nCall-ID: 7@10.0.0.5\r\n\
         CSeq: {sequence} REGISTER\r\n{credentials}Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn with_digest() -> Vec<u8> {
    register(
        2,
        "Authorization: Digest username=\"1001\", realm=\"pbx.example\", nonce=\"8a1f\", uri=\"sip:pbx.example\",\r\n \
         response=\"0123456789abcdef0123456789abcdef\", qop=auth, nc=00000001, cnonce=\"c0ff\"\r\n",
    )
}

fn answer(status: &str, sequence: u32) -> Vec<u8> {
    format!("SIP/2.0 {status}\r\nCall-ID: 7@10.0.0.5\r\nCSeq: {sequence} REGISTER\r\nContent-Length: 0\r\n\r\n")
        .into_bytes()
}

fn login(outcome: &str) -> String {
    format!("login digest 1001:{LINE} {outcome} @sip.request.header.authorization")
}

fn registration(last: &[u8]) -> Said {
    let turns =
        [(C, &register(1, "")[..]), (S, CHALLENGE), (C, &with_digest()), (S, &answer("100 Trying", 2)), (S, last)];
    let said = play_every_cut(&TCP, &turns);
    let datagrams = play_datagrams(Transport::Udp, &turns);
    assert_eq!(datagrams.lines, said.lines);
    said
}

#[test]
fn a_registration_is_accepted_or_rejected() {
    let said = registration(&answer("200 OK", 2));
    assert_eq!(said.all("login"), [login("accepted")]);
    assert!(said.has("link ServerName(\"pbx.example\")"), "{said:?}");
    assert_eq!(registration(&answer("403 Forbidden", 2)).all("login"), [login("rejected")]);
    let again = String::from_utf8_lossy(CHALLENGE).replace("CSeq: 1", "CSeq: 2");
    assert_eq!(registration(again.as_bytes()).all("login"), [login("rejected")]);
    let stale = again.replace("Digest ", "Digest stale=TRUE, ");
    assert_eq!(registration(stale.as_bytes()).all("login"), [login("unknown")]);
    assert_eq!(registration(&answer("200 OK", 1)).all("login"), [login("unknown")]);
}

#[test]
fn a_request_that_is_sent_again_is_one_login() {
    let asked = with_digest();
    let said = play_datagrams(Transport::Udp, &[(C, &asked), (C, &asked), (S, &answer("200 OK", 2))]);
    assert_eq!((said.protocols.as_slice(), said.all("login")), (&["sip"][..], vec![login("accepted").as_str()]));
}

#[test]
fn what_keeps_a_flow_alive_may_come_first() {
    for silence in [&b"\r\n\r\n"[..], b"\0\0\0\0"] {
        let turns =
            [(C, silence), (C, silence), (S, b"\r\n"), (C, &with_digest()), (C, silence), (S, &answer("200 OK", 2))];
        let said = play_datagrams(Transport::Udp, &turns);
        assert_eq!((said.protocols.as_slice(), said.all("login")), (&["sip"][..], vec![login("accepted").as_str()]));
    }
}

#[test]
fn either_side_may_ask() {
    let bye = b"BYE sip:1001@10.0.0.5 SIP/2.0\r\ni: a\r\nCSeq: 9 BYE\r\nl: 0\r\n\r\n";
    let said = play_every_cut(&TCP, &[(C, b"\r\n\r\n"), (S, bye), (C, &with_digest()), (S, &answer("200 OK", 2))]);
    assert_eq!(said.all("login"), [login("accepted")]);
}

#[test]
fn an_ack_repeats_the_credentials_of_its_invite() {
    let invite = |method: &str| {
        format!(
            "{method} sip:2002@pbx.example SIP/2.0\r\nCall-ID: c\r\nCSeq: 3 {method}\r\nProxy-Authorization: Digest \
             username=\"1001\",realm=\"r\",nonce=\"n\",uri=\"sip:2002@pbx.example\",response=\"f00d\"\r\n\
             Content-Length: 0\r\n\r\n"
        )
    };
    let ring = b"SIP/2.0 180 Ringing\r\nCall-ID: c\r\nCSeq: 3 INVITE\r\nContent-Length: 0\r\n\r\n";
    let (invite, ack) = (invite("INVITE"), invite("ACK"));
    let said = play_every_cut(&TCP, &[(C, invite.as_bytes()), (S, ring), (C, ack.as_bytes())]);
    let line = "login digest 1001:$sip$*pbx.example**1001*r*INVITE*sip*2002@pbx.example**n****MD5*f00d accepted \
        @sip.request.header.proxy-authorization";
    assert_eq!(said.all("login"), [line]);
}

#[test]
fn bodies_are_read_in_every_framing() {
    let sdp = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 \
        inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
    let invite = format!(
        "INVITE sip:2@x SIP/2.0\r\ni: c\r\nCSeq: 1 INVITE\r\nc: application/sdp\r\nX-Token: abcdef123456\r\nl: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    let message = "MESSAGE sip:2@x SIP/2.0\r\ni: d\r\nCSeq: 2 MESSAGE\r\nContent-Type: multipart/mixed;boundary=b\r\n\
        Content-Length: 70\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nthe password is Kx92vTq\r\n--b--\r\n........";
    let both = [invite.as_bytes(), b"\r\n\r\n", message.as_bytes()].concat();
    let said = play_every_cut(&TCP, &[(C, &both), (S, b"SIP/2.0 200 OK\r\ni: c\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n")]);
    assert!(said.has(&format!("text sip.message Plain  {sdp}")), "{said:?}");
    assert!(said.lines.iter().any(|l| l.contains("the password is Kx92vTq")), "{said:?}");
    assert!(said.has("field header sip.request.header x-token=abcdef123456"), "{said:?}");
    // Without a length it is the rest of a datagram.
    let open = invite.replace(&format!("l: {}\r\n", sdp.len()), "");
    let said = play_datagrams(Transport::Udp, &[(C, open.as_bytes())]);
    assert!(said.has(&format!("text sip.message Plain  {sdp}")), "{said:?}");
}

#[test]
fn a_password_in_an_address_is_one() {
    let said = play_datagrams(Transport::Udp, &[(C, b"OPTIONS sip:bob:Kx92vTq@x.example SIP/2.0\r\ni: 1\r\n\r\n")]);
    assert!(said.has("login uri bob:Kx92vTq unknown @sip.request.address"), "{said:?}");
}

#[test]
fn a_hole_is_survived() {
    let (first, second) = (with_digest(), answer("200 OK", 2));
    let noise = b"a=sendrecv\r\nthe end of a body";
    let turns = [(C, &register(1, "")[..]), (S, CHALLENGE), (C, noise), (C, &first), (S, &second)];
    let said = play_with_gap(&turns, 0);
    assert_eq!(said.all("login"), [login("accepted")], "{said:?}");
    let said = play(&[(C, &register(1, "")), (C, b"garbage \x00\xff\r\n"), (C, &first), (S, &second)]);
    assert_eq!(said.all("login"), [login("accepted")]);
    assert!(said.has("link Violation"), "{said:?}");
}

#[test]
fn what_a_short_capture_cut_off_is_read_as_far_as_it_goes() {
    let whole = with_digest();
    let cut = whole.len() - 10;
    for said in [play_datagrams(Transport::Udp, &[(C, &whole[..cut])]), play(&[(C, &whole[..cut])])] {
        assert_eq!(said.all("login"), [login("unknown")]);
    }
    assert_eq!(UDP.name, TCP.name);
}
