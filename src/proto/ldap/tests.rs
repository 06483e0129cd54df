use super::PROTOCOL;
use crate::proto::replay::{C, S, play, play_every_cut, play_with_gap};

fn hex(digits: &str) -> Vec<u8> {
    let digit = |n: usize| (digits.as_bytes()[n] as char).to_digit(16).unwrap() as u8;
    (0..digits.len()).step_by(2).map(|n| digit(n) << 4 | digit(n + 1)).collect()
}

/// An element with a short or a two-byte length.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = if length < 128 { vec![tag, length as u8] } else { vec![tag, 0x82, (length >> 8) as u8, length as u8] };
    [head, content.to_vec()].concat()
}

fn message(id: u8, operation: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &[element(2, &[id]), element(operation, &parts.concat())].concat())
}

fn result(id: u8, operation: u8, code: u8) -> Vec<u8> {
    message(id, operation, &[element(0x0a, &[code]), element(4, b""), element(4, b"")])
}

fn simple(id: u8, name: &[u8], password: &[u8]) -> Vec<u8> {
    message(id, 0x60, &[element(2, &[3]), element(4, name), element(0x80, password)])
}

fn attribute(name: &[u8], value: &[u8]) -> Vec<u8> {
    element(0x30, &[element(4, name), element(0x31, &element(4, value))].concat())
}

#[test]
fn simple_binds_are_reported_with_their_outcome() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (C, &simple(1, b"cn=admin", b"wrong")),
            (S, &result(1, 0x61, 49)),
            (C, &simple(2, b"cn=admin", b"right")),
            (S, &result(2, 0x61, 0)),
            (C, &simple(3, b"", b"")),
            (S, &result(3, 0x61, 0)),
        ],
    );
    let expected = [
        "link Auth(\"simple\")",
        "login simple cn=admin:wrong rejected @ldap.bind",
        "link Auth(\"simple\")",
        "login simple cn=admin:right accepted @ldap.bind",
        "link Auth(\"anonymous\")",
    ];
    assert_eq!(said.lines, expected);
}

/// A conversation of ldapsearch with OpenLDAP.
#[test]
fn a_sasl_bind_of_two_steps_is_one_login() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (C, &hex("301602010160110201030400a30a04084352414d2d4d4435")),
            (
                S,
                &hex(
                    "304d02010161480a010e0400041c5341534c2830293a207375636365737366756c20726573756c743a2087233c333537313135303233392e313631353032407372762e6c61622e6578616d706c653e",
                ),
            ),
            (
                C,
                &hex(
                    "303e02010260390201030400a33204084352414d2d4d443504266361726f6c206163376165636466323236393134623137333338386434636562343762383834",
                ),
            ),
            (S, &hex("300c02010261070a010004000400")),
        ],
    );
    let logins = said.all("login");
    assert_eq!(logins.len(), 1);
    assert!(logins[0].starts_with("login cram-md5 carol:$cram_md5$PDM1NzExNTAyMzkuMTYxNTAyQHNydi5sYWIuZXhhbXBsZT4=$"));
    assert!(logins[0].ends_with(" accepted @ldap.bind"));
}

#[test]
fn attributes_of_entries_read_and_written_are_fields() {
    let person = element(0x30, &attribute(b"userPassword", b"{SSHA}abc"));
    let change = element(0x30, &[element(0x0a, &[2]), attribute(b"unicodePwd", b"\"\0n\0e\0w\0!\0\"\0")].concat());
    let filter = element(
        0xa0,
        &[element(0x87, b"objectClass"), element(0xa3, &[element(4, b"mail"), element(4, b"a@b.example")].concat())]
            .concat(),
    );
    let search = [
        element(4, b"dc=x"),
        element(0x0a, &[2]),
        element(0x0a, &[0]),
        element(2, &[0]),
        element(2, &[0]),
        element(1, &[0]),
        filter,
    ];
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (C, &message(2, 0x68, &[element(4, b"uid=a"), person.clone()])),
            (S, &result(2, 0x69, 0)),
            (C, &message(3, 0x66, &[element(4, b"uid=a"), element(0x30, &change)])),
            (C, &message(4, 0x63, &search)),
            (S, &message(4, 0x64, &[element(4, b"uid=a"), person])),
            (
                C,
                &message(
                    5,
                    0x77,
                    &[
                        element(0x80, b"1.3.6.1.4.1.4203.1.11.1"),
                        element(0x81, &element(0x30, &[element(0x80, b"uid=a"), element(0x82, b"newest")].concat())),
                    ],
                ),
            ),
        ],
    );
    let expected = [
        "field attribute ldap.add userPassword={SSHA}abc of uid=a",
        "field attribute ldap.modify unicodePwd=new! of uid=a",
        "field attribute ldap.search mail=a@b.example",
        "field attribute ldap.entry userPassword={SSHA}abc of uid=a",
        "field attribute ldap.password_modify newPasswd=newest of uid=a",
    ];
    assert_eq!(said.lines, expected);
}

#[test]
fn starttls_is_done_or_refused() {
    let request = message(1, 0x77, &[element(0x80, b"1.3.6.1.4.1.1466.20037")]);
    let said = play(&[(C, &request), (S, &result(1, 0x78, 0))]);
    assert_eq!(said.lines, ["link Upgrade(Done)"]);
    let said = play_every_cut(&PROTOCOL, &[(C, &request), (S, &result(1, 0x78, 2)), (C, &simple(2, b"cn=a", b"pw"))]);
    assert!(said.has("link Upgrade(Refused)") && said.has("login simple cn=a:pw unknown @ldap.bind"), "{said:?}");
}

#[test]
fn what_a_sasl_layer_encrypts_is_counted_and_what_it_signs_is_read() {
    let bind = message(1, 0x60, &[element(2, &[3]), element(4, b""), element(0xa3, &element(4, b"GSSAPI"))]);
    let add = message(2, 0x68, &[element(4, b"uid=a"), element(0x30, &attribute(b"userPassword", b"secret"))]);
    let signed =
        [&[0, 0, 0, 16 + add.len() as u8][..], &[5, 4, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], &add].concat();
    let sealed = [&[0, 0, 0, 40][..], &[0x30; 40]].concat();
    let said = play_every_cut(&PROTOCOL, &[(C, &bind), (S, &result(1, 0x61, 0)), (C, &signed), (C, &sealed)]);
    assert_eq!(said.all("field"), ["field attribute ldap.add userPassword=secret of uid=a"]);
    assert!(said.has("skipped encrypted after handshake 40"), "{said:?}");
}

#[test]
fn either_direction_alone_is_recognised_and_text_on_its_port_is_not() {
    let client = play(&[(C, &simple(1, b"cn=jdoe", b"Monkey433#"))]);
    assert!(client.has("login simple cn=jdoe:Monkey433# unknown @ldap.bind"), "{client:?}");
    assert_eq!(play(&[(S, &result(1, 0x61, 0))]).protocols, ["ldap"]);
    let ldif = play(&[(S, b"dn: uid=xia98\nuserPassword: FalconWillow702!\n")]);
    assert_eq!((ldif.protocols.as_slice(), ldif.all("text").len()), (&["unknown"][..], 1));
}

#[test]
fn a_gap_is_passed_over() {
    let (first, second) = (simple(1, b"cn=a", b"one"), simple(2, b"cn=a", b"two"));
    let torn = &second[..9];
    let said =
        play_with_gap(&[(C, &first), (S, b""), (C, torn), (C, b"lost"), (C, &[b"rest", first.as_slice()].concat())], 3);
    assert_eq!(said.all("login").len(), 2, "{said:?}");
}
