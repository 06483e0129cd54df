use super::*;

fn login(mechanism: &[u8], turns: &[(char, &[u8])]) -> (String, String, Proof) {
    let mut exchange = Exchange::new(mechanism);
    for (side, message) in turns {
        match side {
            'C' => exchange.client(message, Span::default()),
            _ => exchange.server(message),
        }
    }
    let login = exchange.into_login();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&login.username.unwrap_or_default()), text(login.secret.as_secret().expose()), login.proof)
}

fn said(user: &str, secret: &str, proof: Proof) -> (String, String, Proof) {
    (user.to_owned(), secret.to_owned(), proof)
}

#[test]
fn plain_names_the_one_who_authenticates() {
    let expected = said("tim", "tanstaaftanstaaf", Proof::Password);
    assert_eq!(login(b"plain", &[('C', b"\0tim\0tanstaaftanstaaf")]), expected);
    assert_eq!(login(b"PLAIN", &[('C', b"Ursel\0tim\0tanstaaftanstaaf")]), expected);
    assert_eq!(login(b"PLAIN", &[('C', b"tim\0\0tanstaaftanstaaf")]), expected);
}

#[test]
fn login_follows_the_prompts_or_the_order() {
    let expected = said("joe", "secret", Proof::Password);
    let asked: &[(char, &[u8])] = &[('S', b"Username:"), ('C', b"joe"), ('S', b"Password:"), ('C', b"secret")];
    assert_eq!(login(b"LOGIN", asked), expected);
    assert_eq!(login(b"LOGIN", &[('C', b"joe"), ('C', b"secret")]), expected);
    let reversed: &[(char, &[u8])] = &[('S', b"Password:"), ('C', b"secret"), ('S', b"User Name"), ('C', b"joe")];
    assert_eq!(login(b"LOGIN", reversed), expected);
}

/// The example of RFC 2195, section 2.
#[test]
fn cram_md5_becomes_a_line_for_hashcat() {
    let turns: &[(char, &[u8])] =
        &[('S', b"<1896.697170952@postoffice.reston.mci.net>"), ('C', b"tim b913a602c7eda7a495b4e6e7334d3890")];
    let line = "$cram_md5$PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\
                $dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw";
    let proof = Proof::ChallengeResponse { hashcat: Some(10200) };
    assert_eq!(login(b"CRAM-MD5", turns), said("tim", line, proof));
    assert_eq!(login(b"CRAM-MD5", &turns[1..]).1, "", "nothing to attack without the challenge");
}

/// The example of RFC 2831, section 4.
#[test]
fn digest_md5_becomes_a_line_for_john() {
    let response = br#"charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth"#;
    let line = "$DIGEST-MD5$chris$elwood.innosoft.com$OA6MG9tEQGm2hh$imap/elwood.innosoft.com$OA6MHXh6VqTrRk$00000001$auth$d388dad90d4bbd760a152321f2143af7";
    let proof = Proof::ChallengeResponse { hashcat: None };
    assert_eq!(login(b"DIGEST-MD5", &[('C', response)]), said("chris", line, proof));
}

/// The example of RFC 5802, section 5.
#[test]
fn scram_keeps_all_that_an_attack_needs() {
    let turns: &[(char, &[u8])] = &[
        ('C', b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"),
        ('S', b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"),
        ('C', b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="),
        ('S', b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="),
    ];
    let (user, line, _) = login(b"SCRAM-SHA-1", turns);
    assert_eq!(user, "user");
    let parts: Vec<_> = line.split('$').collect();
    assert_eq!(parts[1..5], ["scram-sha-1", "dXNlcg==", "4096", "QSXCR+Q6sek8bf92"]);
    let signed = decode_base64(parts[5].as_bytes()).unwrap();
    assert!(
        signed.starts_with(b"n=user,r=fyko")
            && signed.ends_with(b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j")
    );
    assert_eq!(parts[6], "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
    assert_eq!(login(b"SCRAM-SHA-1", &turns[2..]).1, "", "nothing to attack without the salt");
}

#[test]
fn oauth_gives_the_token_and_its_user() {
    let expected = said("user@example.com", "vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==", Proof::Token);
    let google = b"user=user@example.com\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\x01\x01";
    assert_eq!(login(b"XOAUTH2", &[('C', google)]), expected);
    let standard = b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\x01\x01";
    assert_eq!(login(b"OAUTHBEARER", &[('C', standard)]), expected);
}

/// The messages of MS-NLMP, section 4.2.4, cut down to what is read of them.
#[test]
fn ntlm_inside_of_anything_becomes_a_line_for_hashcat() {
    let challenge = b"NTLMSSP\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x23\x45\x67\x89\xab\xcd\xef";
    let mut response = b"NTLMSSP\0\x03\0\0\0".to_vec();
    let field = |length: u8, at: u8| [length, 0, length, 0, at, 0, 0, 0];
    for (length, at) in [(24, 64), (24, 88), (0, 0), (8, 112), (0, 0), (0, 0)] {
        response.extend(field(length, at));
    }
    response.extend(1u32.to_le_bytes());
    response.extend([0xaa; 24]);
    response.extend([0xbb; 24]);
    response.extend(b"U\0s\0e\0r\0");
    let turns: &[(char, &[u8])] = &[('S', challenge), ('C', &[b"wrapping".as_slice(), &response].concat())];
    let (user, line, proof) = login(b"GSS-SPNEGO", turns);
    assert_eq!((user.as_str(), proof), ("User", Proof::ChallengeResponse { hashcat: Some(5500) }));
    assert_eq!(line, format!("User:::{}:{}:0123456789abcdef", "aa".repeat(24), "bb".repeat(24)));
}

#[test]
fn what_protects_itself_is_named_and_nothing_more() {
    let exchange = Exchange::new(b"gssapi");
    assert_eq!(exchange.mechanism(), "gssapi");
    assert_eq!(login(b"EXTERNAL", &[('C', b"someone")]).1, "");
}
