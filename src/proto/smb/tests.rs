use super::PROTOCOL;
use crate::model::flow::Direction;
use crate::proto::replay::{C, S, Said, Turn, play, play_every_cut, play_with_gap};

const PENDING: u32 = 0x103;
const MORE: u32 = 0xc000_0016;
const LOGON_FAILURE: u32 = 0xc000_006d;
const ID: [u8; 16] = [7; 16];
const RELATED: [u8; 16] = [0xff; 16];

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

/// A message of SMB 2.
fn unit(command: u16, status: u32, response: bool, number: u64, body: &[u8]) -> Vec<u8> {
    let mut header = b"\xfeSMB\x40\0\0\0".to_vec();
    header.extend(status.to_le_bytes());
    header.extend(command.to_le_bytes());
    header.extend([1, 0]);
    header.extend(u32::from(response).to_le_bytes());
    header.extend([0; 4]);
    header.extend(number.to_le_bytes());
    header.extend([0; 4]);
    header.extend(5_u32.to_le_bytes());
    header.extend(9_u64.to_le_bytes());
    header.extend([0; 16]);
    [&header, body].concat()
}

fn ask(command: u16, number: u64, body: &[u8]) -> Vec<u8> {
    frame(&unit(command, 0, false, number, body))
}

fn answer(command: u16, status: u32, number: u64, body: &[u8]) -> Vec<u8> {
    frame(&unit(command, status, true, number, body))
}

/// Messages in one frame.
fn compound(units: &[Vec<u8>]) -> Vec<u8> {
    let mut all = Vec::new();
    for (n, unit) in units.iter().enumerate() {
        let mut unit = unit.clone();
        if n + 1 < units.len() {
            unit.resize(unit.len().next_multiple_of(8), 0);
            let length = unit.len() as u32;
            unit[20..24].copy_from_slice(&length.to_le_bytes());
        }
        all.extend(unit);
    }
    frame(&all)
}

/// `fixed`, in which a place and a length stand at `at`, and the buffer behind it.
fn with_buffer(mut fixed: Vec<u8>, at: usize, buffer: &[u8]) -> Vec<u8> {
    let place = 64 + fixed.len() as u16;
    fixed[at..at + 2].copy_from_slice(&place.to_le_bytes());
    fixed[at + 2..at + 4].copy_from_slice(&(buffer.len() as u16).to_le_bytes());
    [&fixed, buffer].concat()
}

fn negotiate(mode: u8) -> [Vec<u8>; 2] {
    let mut request = vec![0; 36];
    request[4] = mode;
    let mut response = vec![0; 64];
    response[2] = mode;
    [ask(0, 0, &request), answer(0, 0, 0, &response)]
}

fn setup(number: u64, token: &[u8]) -> Vec<u8> {
    ask(1, number, &with_buffer(vec![0; 24], 12, token))
}

fn set_up(status: u32, number: u64, flags: u8, token: &[u8]) -> Vec<u8> {
    let mut fixed = vec![0; 8];
    fixed[2] = flags;
    answer(1, status, number, &with_buffer(fixed, 4, token))
}

fn challenge() -> Vec<u8> {
    [b"NTLMSSP\0\x02\0\0\0".as_slice(), &[0; 12], &[1, 2, 3, 4, 5, 6, 7, 8], &[0; 16]].concat()
}

fn authenticate(nt: &[u8], user: &str) -> Vec<u8> {
    let parts = [vec![0; 24], nt.to_vec(), wide("LAB"), wide(user), Vec::new(), Vec::new()];
    let mut head = b"NTLMSSP\0\x03\0\0\0".to_vec();
    let mut at = 64_u32;
    for part in &parts {
        head.extend((part.len() as u16).to_le_bytes());
        head.extend((part.len() as u16).to_le_bytes());
        head.extend(at.to_le_bytes());
        at += part.len() as u32;
    }
    head.extend(1_u32.to_le_bytes());
    [head, parts.concat()].concat()
}

fn tree(path: &str) -> [Vec<u8>; 2] {
    [ask(3, 3, &with_buffer(vec![0; 8], 4, &wide(path))), answer(3, 0, 3, &[0; 16])]
}

fn create(name: &str) -> Vec<u8> {
    with_buffer(vec![0; 56], 44, &wide(name))
}

fn created() -> Vec<u8> {
    let mut body = vec![0; 88];
    body[64..80].copy_from_slice(&ID);
    body
}

fn read(id: [u8; 16], offset: u64) -> Vec<u8> {
    [&[0; 8][..], &offset.to_le_bytes(), &id, &[0; 17]].concat()
}

fn was_read(content: &[u8]) -> Vec<u8> {
    [&[17, 0, 80, 0], &(content.len() as u32).to_le_bytes()[..], &[0; 8], content].concat()
}

fn write(offset: u64, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_le_bytes();
    [&[49, 0, 112, 0], &length[..], &offset.to_le_bytes(), &ID, &[0; 16], content].concat()
}

fn close(id: [u8; 16]) -> Vec<u8> {
    [&[0; 8][..], &id].concat()
}

fn turns(said: &[(Direction, Vec<u8>)]) -> Vec<Turn<'_>> {
    said.iter().map(|(direction, bytes)| (*direction, bytes.as_slice())).collect()
}

fn cut(said: &[(Direction, Vec<u8>)]) -> Said {
    play_every_cut(&PROTOCOL, &turns(said))
}

/// A share is connected, and a file opened.
fn opening(name: &str) -> Vec<(Direction, Vec<u8>)> {
    let ([n1, n2], [t1, t2]) = (negotiate(1), tree("\\\\files\\data"));
    let opens = [(C, ask(5, 4, &create(name))), (S, answer(5, 0, 4, &created()))];
    [(C, n1), (S, n2), (C, t1), (S, t2)].into_iter().chain(opens).collect()
}

#[test]
fn a_login_is_told_with_the_line_a_cracker_reads_and_its_outcome() {
    let [n1, n2] = negotiate(1);
    let nt = [[0xaa; 16].as_slice(), &[0xbb; 28]].concat();
    for (status, outcome) in [(0, "accepted"), (LOGON_FAILURE, "rejected")] {
        let [t1, t2] = tree("\\\\files\\data");
        let said = cut(&[
            (C, n1.clone()),
            (S, n2.clone()),
            (C, setup(1, b"NTLMSSP\0\x01\0\0\0")),
            (S, set_up(MORE, 1, 0, &challenge())),
            (C, setup(2, &authenticate(&nt, "lena"))),
            (S, set_up(status, 2, 0, b"")),
            (C, t1),
            (S, t2),
        ]);
        let line = format!("lena::LAB:0102030405060708:{}:{}", "aa".repeat(16), "bb".repeat(28));
        assert_eq!(said.all("login"), [format!("login ntlm lena:{line} {outcome} @smb.session_setup")]);
        assert_eq!(said.all("weak"), if status == 0 { vec!["weak link.unsigned not required"] } else { vec![] });
        assert!(said.has("link ServerName(\"files\")"), "{:?}", said.lines);
    }
}

#[test]
fn a_response_without_its_challenge_shows_who_logs_in() {
    let said = cut(&[(C, setup(2, &authenticate(&[0xaa; 44], "lena")))]);
    let line = format!("lena::LAB:{}:{}", "00".repeat(24), "aa".repeat(44));
    assert_eq!(said.all("login"), [format!("login ntlm lena:{line} unknown @smb.session_setup")]);
}

#[test]
fn sessions_of_guests_of_nobody_and_of_kerberos_are_told_apart() {
    let [n1, n2] = negotiate(1);
    let session = |token: &[u8], flags| {
        let asked = [(C, n1.clone()), (S, n2.clone()), (C, setup(1, token)), (S, set_up(0, 1, flags, b""))];
        let said = cut(&asked);
        [said.all("weak").join(","), said.all("login").join(","), said.all("link Auth").join(",")]
    };
    let [weak, login, auth] = session(&authenticate(&[], ""), 2);
    assert_eq!((&*weak, &*login, &*auth), ("weak link.guest anonymous", "", "link Auth(\"anonymous\")"));
    assert_eq!(session(&authenticate(&[0xaa; 44], "lena"), 1)[0], "weak link.guest guest");
    let ticket = b"\x60\x40\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00\x6e\x30";
    let [weak, login, auth] = session(ticket, 0);
    assert_eq!((&*weak, &*login, &*auth), ("", "", "link Auth(\"kerberos\")"));
}

#[test]
fn a_file_is_read_in_the_order_of_its_bytes() {
    let mut said = opening("branch\\list.csv");
    said.extend([
        (C, [ask(8, 5, &read(ID, 0)), ask(8, 6, &read(ID, 11))].concat()),
        (S, answer(8, PENDING, 5, &[0; 9])),
        (S, answer(8, 0, 6, &was_read(b"ada,x\n"))),
        (S, answer(8, 0, 5, &was_read(b"login,pass\n"))),
        (C, ask(8, 7, &read(ID, 0))),
        (S, answer(8, 0, 7, &was_read(b"login,pass\nada,x\nben,y\n"))),
        (C, ask(6, 8, &close(ID))),
        (S, answer(6, 0, 8, &[0; 60])),
    ]);
    let told = cut(&said);
    assert_eq!(told.all("text"), ["text smb.file Csv data\\branch\\list.csv login,pass\nada,x\nben,y\n"]);
}

#[test]
fn a_compound_request_means_the_file_it_opens() {
    let [n1, n2] = negotiate(1);
    let asks = [(5, create("a.txt")), (8, read(RELATED, 0)), (6, close(RELATED))];
    let answers = [(5, created()), (8, was_read(b"password: hunter2\n")), (6, vec![0; 60])];
    let asks: Vec<_> = (1..).zip(&asks).map(|(n, (command, body))| unit(*command, 0, false, n, body)).collect();
    let answers: Vec<_> = (1..).zip(&answers).map(|(n, (command, body))| unit(*command, 0, true, n, body)).collect();
    let said = cut(&[(C, n1), (S, n2), (C, compound(&asks)), (S, compound(&answers))]);
    assert_eq!(said.all("text"), ["text smb.file Plain a.txt password: hunter2\n"]);
}

#[test]
fn what_one_direction_alone_says_of_files_is_read() {
    let writes = [write(8, b"second\n"), write(0, b"first..\n"), write(u64::MAX, b"third\n")];
    let writes: Vec<_> = (1..).zip(&writes).map(|(n, body)| (C, ask(9, n, body))).collect();
    assert_eq!(cut(&writes).all("text"), ["text smb.file Plain  first..\nsecond\nthird\n"]);
    let reads = [(S, answer(8, 0, 1, &was_read(b"first..\n"))), (S, answer(8, 0, 2, &was_read(b"second\n")))];
    // Nobody knows of which file either is.
    assert_eq!(cut(&reads).all("text"), ["text smb.file Plain  first..\n", "text smb.file Plain  second\n"]);
}

#[test]
fn a_hole_in_a_file_costs_no_more_than_what_was_in_it() {
    let message = ask(9, 6, &write(6, &[b'-'; 600]));
    let (head, rest) = message.split_at(4 + 64 + 48 + 100);
    let (lost, tail) = rest.split_at(200);
    let mut said = opening("a.txt");
    let start = said.len();
    said.extend([(C, ask(9, 5, &write(0, b"first\n"))), (C, head.to_vec()), (C, lost.to_vec()), (C, tail.to_vec())]);
    said.push((C, ask(9, 7, &write(606, b"last\n"))));
    let told = play_with_gap(&turns(&said), start + 2);
    let text = told.all("text smb.file").join("");
    assert!(text.contains("first\n---") && text.contains("---last\n"), "{text}");
    assert_eq!(text.matches('-').count(), 400);
}

#[test]
fn what_nobody_can_read_is_passed_over_and_counted() {
    let mut said = opening("film.mkv");
    let film = [b"\x1aE\xdf\xa3".as_slice(), &[0x9c; 300_000]].concat();
    said.extend([
        (C, ask(9, 5, &write(0, &film))),
        (C, frame(&[b"\xfdSMB".as_slice(), &[0; 96]].concat())),
        (S, frame(&[b"\xfcSMB".as_slice(), &[0; 46]].concat())),
        (C, ask(9, 6, &write(film.len() as u64, &film))),
    ]);
    let told = play(&turns(&said));
    let skipped =
        ["skipped binary content 600008", "skipped encrypted after handshake 100", "skipped unreadable coding 50"];
    assert_eq!(told.all("skipped"), skipped);
}

#[test]
fn pipes_are_no_files() {
    let mut said = opening("winreg");
    let [t1, t2] = tree("\\\\files\\IPC$");
    (said[2], said[3]) = ((C, t1), (S, t2));
    said.push((C, ask(9, 5, &write(0, b"no text for anyone\n"))));
    assert_eq!(cut(&said).all("text"), Vec::<&str>::new());
}

/// A message of SMB 1 with these words, and bytes behind them.
fn old(command: u8, status: u32, flags: u8, words: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut header = [b"\xffSMB".as_slice(), &[command], &status.to_le_bytes(), &[flags, 1, 0x40]].concat();
    header.extend([0; 12]);
    header.extend([1, 0, 2, 0, 3, 0, 4, 0]);
    header.push(words.len() as u8 / 2);
    frame(&[&header, words, &(bytes.len() as u16).to_le_bytes(), bytes].concat())
}

/// What a server of SMB 1 agrees to: whether it wants responses, and its challenge.
fn agreed(mode: u8, challenge: &[u8]) -> [Vec<u8>; 2] {
    let mut words = vec![0; 34];
    (words[2], words[33]) = (mode, challenge.len() as u8);
    [old(0x72, 0, 0, &[], b"\x02NT LM 0.12\0"), old(0x72, 0, 0x80, &words, challenge)]
}

fn old_setup(oem: &[u8], unicode: &[u8]) -> Vec<u8> {
    let mut words = vec![0xff; 26];
    words[14..18].copy_from_slice(&[oem.len() as u8, 0, unicode.len() as u8, 0]);
    old(0x73, 0, 0, &words, &[oem, unicode, b"lena\0LAB\0Unix\0"].concat())
}

#[test]
fn passwords_and_responses_of_the_first_version_are_read() {
    let done = old(0x73, 0, 0x80, &[0xff, 0, 0, 0, 0, 0], b"");
    let session = |mode, challenge: &[u8], setup: Vec<u8>| {
        let [n1, n2] = agreed(mode, challenge);
        let said = cut(&[(C, n1), (S, n2), (C, setup), (S, done.clone())]);
        assert_eq!(said.all("weak"), ["weak link.smb1 SMB 1"]);
        said.all("login").join(",")
    };
    let plain = "login clear lena:hunter2 accepted @smb.session_setup";
    assert_eq!(session(1, b"", old_setup(b"hunter2\0", b"")), plain);
    let line = format!("lena::LAB:{}:{}:0102030405060708", "11".repeat(24), "22".repeat(24));
    let response = format!("login lm lena:{line} accepted @smb.session_setup");
    assert_eq!(session(3, &[1, 2, 3, 4, 5, 6, 7, 8], old_setup(&[0x11; 24], &[0x22; 24])), response);
    // Without what the server asked for, the length tells a password from a response.
    let said = cut(&[(C, old_setup(b"hunter2\0", b""))]);
    assert_eq!(said.all("login"), ["login clear lena:hunter2 unknown @smb.session_setup"]);
}

#[test]
fn the_password_of_a_share_is_read() {
    let [n1, n2] = agreed(0, b"");
    let connect = old(0x75, 0, 0, &[0xff, 0, 0, 0, 0, 0, 8, 0], b"hunter2\0\\\\FILES\\DATA\0?????\0");
    let refused = old(0x75, LOGON_FAILURE, 0x80, &[], b"");
    let said = cut(&[(C, n1), (S, n2), (C, connect), (S, refused)]);
    assert_eq!(said.all("login"), ["login clear :hunter2 rejected @smb.tree_connect"]);
}

#[test]
fn files_of_the_first_version_are_read_and_written() {
    let mut opens = vec![0xff; 48];
    opens[0] = 0xff;
    let opened = [&[0xff, 0, 0, 0, 0, 9, 0][..], &[0; 61]].concat();
    let mut reads = vec![0; 24];
    (reads[0], reads[4]) = (0xff, 9);
    let mut content = vec![0; 24];
    (content[0], content[10], content[12]) = (0xff, 18, 32 + 1 + 24 + 2);
    let mut writes = vec![0; 28];
    (writes[0], writes[4], writes[20], writes[22]) = (0xff, 9, 7, 32 + 1 + 28 + 2);
    let [n1, n2] = agreed(3, &[1; 8]);
    let said = cut(&[
        (C, n1),
        (S, n2),
        (C, old(0xa2, 0, 0, &opens, b"\\a.txt\0")),
        (S, old(0xa2, 0, 0x80, &opened, b"")),
        (C, old(0x2e, 0, 0, &reads, b"")),
        (S, old(0x2e, 0, 0x80, &content, b"password: hunter2\n")),
        (C, old(0x2f, 0, 0, &writes, b"written")),
        (C, old(0x04, 0, 0, &[9, 0, 0, 0, 0, 0], b"")),
        (S, old(0x04, 0, 0x80, &[], b"")),
    ]);
    let read = said.all("text");
    assert_eq!(read, ["text smb.file Plain a.txt written", "text smb.file Plain a.txt password: hunter2\n"]);
}

#[test]
fn a_session_of_netbios_names_its_server() {
    let name = |name: &[u8; 16]| -> Vec<u8> {
        let letters = name.iter().flat_map(|b| [b'A' + (b >> 4), b'A' + (b & 15)]);
        [b' '].into_iter().chain(letters).chain([0]).collect()
    };
    let request = [&[0x81, 0, 0, 68][..], &name(b"FILES           "), &name(b"DESK            ")].concat();
    let [n1, n2] = negotiate(3);
    let said = cut(&[(C, request), (S, vec![0x82, 0, 0, 0]), (C, n1), (S, n2), (C, vec![0x85, 0, 0, 0])]);
    assert!(said.has("link ServerName(\"FILES\")"), "{:?}", said.lines);
}

#[test]
fn the_middle_of_a_conversation_is_found_again() {
    let [n1, n2] = negotiate(1);
    let junk = [&[0xff; 90][..], b"SMB and so on"].concat();
    let said = play(&[(C, &n1), (S, &n2), (C, &junk), (C, &ask(9, 5, &write(0, b"password: hunter2\n")))]);
    assert_eq!(said.all("text"), ["text smb.file Plain  password: hunter2\n"]);
    assert_eq!(said.all("skipped"), ["skipped malformed message 103"]);
}
