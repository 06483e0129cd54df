use super::PROTOCOL;
use crate::proto::replay::{C, S, Turn, play, play_every_cut, play_with_gap};

const OPEN: &[u8] = b"<?xml version='1.0'?><stream:stream to='x.example' version='1.0' xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams'>";
const OPENED: &[u8] = b"<?xml version='1.0'?><stream:stream from='x.example' id='c2f8' version='1.0' \
    xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const PLAIN_OR_TLS: &[u8] = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><mechanisms \
    xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>";
const PLAIN: &[u8] = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGV2YQBIdW50ZXItMjI=</auth>";
const SUCCESS: &[u8] = b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
const HELLO: &[u8] = &[22, 3, 1, 0, 5, 1, 0, 0, 1, 3];

#[test]
fn plain_is_accepted_or_rejected() {
    let said = |last: &[u8]| {
        play_every_cut(&PROTOCOL, &[(C, OPEN), (S, OPENED), (S, PLAIN_OR_TLS), (C, PLAIN), (S, last), (C, OPEN)])
    };
    let accepted = said(SUCCESS);
    assert!(accepted.has("login plain eva:Hunter-22 accepted @xmpp.auth"), "{accepted:?}");
    assert!(
        accepted.has("link Upgrade(OfferedUnused)") && accepted.has("link ServerName(\"x.example\")"),
        "{accepted:?}"
    );
    let failure = b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>";
    assert!(said(failure).has("login plain eva:Hunter-22 rejected @xmpp.auth"));
    assert!(said(b" \n").has("login plain eva:Hunter-22 unknown @xmpp.auth"));
}

#[test]
fn what_follows_starttls_is_tls() {
    let starttls = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let proceed = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let start: [Turn<'_>; 4] = [(C, OPEN), (S, OPENED), (S, PLAIN_OR_TLS), (C, starttls)];
    let said = play_every_cut(&PROTOCOL, &[&start[..], &[(S, proceed), (C, HELLO)]].concat());
    assert_eq!(said.protocols, ["xmpp", "tls"]);
    assert!(said.has("link Upgrade(Done)"), "{said:?}");
    let refused = b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>";
    let said = play_every_cut(&PROTOCOL, &[&start[..], &[(S, refused)]].concat());
    assert!(said.has("link Upgrade(Refused)"), "{said:?}");
    // The answer was not captured.
    assert_eq!(play_with_gap(&[&start[..], &[(S, proceed), (C, HELLO)]].concat(), 4).protocols, ["xmpp", "tls"]);
}

#[test]
fn scram_goes_back_and_forth() {
    let in_base64 = |name: &str, text: &str| {
        format!("<{name} xmlns='urn:x'>{}</{name}>", crate::content::base64::encode(text.as_bytes()))
    };
    let first = in_base64("auth", "n,,n=eva,r=cn").replace("<auth ", "<auth mechanism=\"SCRAM-SHA-1\" ");
    let (challenge, response) =
        (in_base64("challenge", "r=cnsn,s=c2FsdA==,i=4096"), in_base64("response", "c=biws,r=cnsn,p=cHJvb2Y="));
    let turns = [
        (C, OPEN),
        (S, OPENED),
        (C, first.as_bytes()),
        (S, challenge.as_bytes()),
        (C, response.as_bytes()),
        (S, SUCCESS),
    ];
    let said = play_every_cut(&PROTOCOL, &turns);
    let logins = said.all("login scram-sha-1 eva:$scram-sha-1$");
    assert!(logins.len() == 1 && logins[0].ends_with(" accepted @xmpp.auth"), "{said:?}");
}

#[test]
fn logins_before_sasl_are_queries() {
    let query = |id: &str, fields: &str| {
        format!(
            "<iq type='set' id='{id}'><query xmlns='jabber:iq:auth'><username>eva</username>{fields}<resource>r</resource></query></iq>"
        )
    };
    let wrong = query("a1", "<password>Hunter&amp;21</password>");
    let right = query("a2", "<digest>48fc78be9ec8f86d8ce1c39c320c97c21d62334d</digest>");
    let turns: [Turn<'_>; 6] = [
        (C, OPEN),
        (S, OPENED),
        (C, wrong.as_bytes()),
        (S, b"<iq type='error' id='a1'><error code='401'/></iq>"),
        (C, right.as_bytes()),
        (S, b"<iq type='result' id='a2'/>"),
    ];
    let said = play_every_cut(&PROTOCOL, &turns);
    assert!(said.has("login clear eva:Hunter&21 rejected @xmpp.iq.auth"), "{said:?}");
    let digest = "login digest eva:48fc78be9ec8f86d8ce1c39c320c97c21d62334d:c2f8 accepted @xmpp.iq.auth";
    assert!(said.has(digest), "{said:?}");
}

#[test]
fn a_registration_has_a_password() {
    let register = b"<iq type='set' id='r'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>\
        <field var='username'><value>eva</value></field><field var='password'><value>Kx92vTq</value></field></x></query></iq>";
    let answer = b"<iq id='r' type='result'/>";
    let told = b"<iq id='s' type='result'><query xmlns='jabber:iq:register'><username>eva</username>\
        <password>Zp81wRs</password></query></iq>";
    let said = play_every_cut(&PROTOCOL, &[(C, OPEN), (S, OPENED), (C, register), (S, answer), (S, told)]);
    assert!(said.has("login clear eva:Kx92vTq accepted @xmpp.iq.register"), "{said:?}");
    assert!(said.has("field xml xmpp.iq password=Zp81wRs of eva"), "{said:?}");
}

#[test]
fn what_is_said_is_read_without_references() {
    let message = b"<message to='b@x.example' type='chat'><body>psk is &quot;a &lt; b&quot;</body><html><body><p>psk</p></body></html>\
        <x xmlns='y'><token>Kx92vTq</token></x></message><presence><x xmlns='muc'><password>r00m</password></x></presence>";
    let files = b"<iq type='set' id='9'><data xmlns='ibb'>iVBORw0KGgoAAAANSUhEUg==</data></iq>";
    let said = play_every_cut(&PROTOCOL, &[(C, OPEN), (S, OPENED), (C, message), (S, message), (C, files)]);
    assert!(said.has("text xmpp.message.body Plain  psk is \"a < b\""), "{said:?}");
    assert!(said.has("field xml xmpp.message token=Kx92vTq"), "{said:?}");
    assert!(said.has("field xml xmpp.presence password=r00m"), "{said:?}");
    assert!(said.has("skipped binary content 24") && !said.lines.iter().any(|l| l.ends_with("=psk")), "{said:?}");
}

#[test]
fn a_component_proves_its_secret() {
    let open = String::from_utf8_lossy(OPEN).replace("jabber:client", "jabber:component:accept");
    let handshake = b"<handshake>48fc78be9ec8f86d8ce1c39c320c97c21d62334d</handshake>";
    let said = play_every_cut(&PROTOCOL, &[(C, open.as_bytes()), (S, OPENED), (C, handshake), (S, b"<handshake/>")]);
    let line = "login digest x.example:48fc78be9ec8f86d8ce1c39c320c97c21d62334d:c2f8 accepted @xmpp.handshake";
    assert!(said.has(line), "{said:?}");
}

#[test]
fn holes_and_garbage_are_survived() {
    let body = b"<message><body>first</body></message>";
    let cut = b"dy>of another</body></message><message><body>second</body></message>";
    let said = play_with_gap(&[(C, OPEN), (S, OPENED), (C, body), (C, cut)], 2);
    assert!(
        said.has("text xmpp.message.body Plain  second") && said.has("skipped resynchronising after a gap 30"),
        "{said:?}"
    );
    let said = play(&[(C, OPEN), (S, OPENED), (C, b"nonsense <a><"), (C, b"<<>"), (C, PLAIN), (S, SUCCESS)]);
    assert!(said.has("login plain eva:Hunter-22 accepted @xmpp.auth") && said.has("link Violation"), "{said:?}");
    let deep = [&b"<message>"[..], &b"<a>".repeat(5000), b"x", &b"</a>".repeat(5000), b"</message>", PLAIN].concat();
    let said = play(&[(C, OPEN), (S, OPENED), (C, &deep), (S, SUCCESS)]);
    assert!(said.has("beyond Nesting") && said.has("login plain eva:Hunter-22 accepted @xmpp.auth"), "{said:?}");
}
