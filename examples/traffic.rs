//! Makes the traffic that tries a flow table, as a capture on standard output: nothing is kept, so that
//! it can be as long as wanted.
//!
//! ```text
//! cargo build --release --examples
//! target/release/examples/traffic idle 1000000 | plainsight read -
//! ```
//!
//! Among all of it, spread over the whole capture, [`LOGINS`] clients log in with HTTP Basic from
//! addresses in 10.77.0.0/16: each must be found, whatever else goes on.

use std::env;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use etherparse::PacketBuilder;

/// Real logins among the rest.
const LOGINS: u64 = 1000;

const USAGE: &str = "usage: traffic KIND COUNT
  idle     COUNT connections that are open at the same time, each with a little HTTP, TLS or text
  syn      COUNT addresses, half of them IPv6, that send a SYN each; every other one is answered
  scan     COUNT ports tried by one host: closed, silent and open ones
  trickle  COUNT connections that send a byte of a request at a time
  udp      COUNT addresses that send a datagram each; none is answered";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((make, count)) = parse(&arguments) else {
        let _ = writeln!(io::stderr(), "{USAGE}");
        return ExitCode::from(2);
    };
    let mut capture = Capture::new(io::stdout().lock());
    let done = capture.begin().and_then(|()| make(&mut capture, count)).and_then(|()| capture.out.flush());
    // Whoever reads may have had enough.
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Make = fn(&mut Capture, u64) -> io::Result<()>;

fn parse(arguments: &[String]) -> Option<(Make, u64)> {
    let [kind, count] = arguments else { return None };
    let make: Make = match kind.as_str() {
        "idle" => idle,
        "scan" => scan,
        "syn" => syn,
        "trickle" => trickle,
        "udp" => udp,
        _ => return None,
    };
    Some((make, count.parse().ok()?))
}

fn idle(capture: &mut Capture, count: u64) -> io::Result<()> {
    const HELLO: &[u8] = &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 90, 1, 2, 3, 4, 5, 6, 7, 8];
    for n in 0..count {
        let mut talk = Talk::new(inside(n), server(n / 60_000, 80));
        talk.open(capture)?;
        match n % 4 {
            0 => talk
                .client(capture, b"GET /events HTTP/1.1\r\nHost: push.example\r\nAccept: text/event-stream\r\n\r\n")?,
            1 => talk.client(capture, HELLO)?,
            2 => talk.client(capture, b"*1\r\n$4\r\nPING\r\n")?,
            _ => talk.server(capture, b"READY 7\n")?,
        }
        capture.real(n, count)?;
    }
    Ok(())
}

fn syn(capture: &mut Capture, count: u64) -> io::Result<()> {
    for n in 0..count {
        let mut talk = Talk::new(spoofed(n), server(0, 443));
        talk.syn(capture)?;
        if n % 2 == 0 {
            talk.syn_ack(capture)?;
        }
        capture.real(n, count)?;
    }
    Ok(())
}

fn scan(capture: &mut Capture, count: u64) -> io::Result<()> {
    let scanner = IpAddr::from([10, 66, 6, 6]);
    for n in 0..count {
        let target =
            SocketAddr::new(Ipv4Addr::from_bits(0x0a01_0000 + (n / 65_535) as u32).into(), (n % 65_535 + 1) as u16);
        let mut talk = Talk::new(SocketAddr::new(scanner, 40_000 + (n % 20_000) as u16), target);
        talk.syn(capture)?;
        match n % 16 {
            0 => {
                talk.syn_ack(capture)?;
                talk.send(capture, Side::Client, "R", &[])?;
            }
            1..8 => talk.send(capture, Side::Server, "RA", &[])?,
            _ => {}
        }
        capture.real(n, count)?;
    }
    Ok(())
}

fn trickle(capture: &mut Capture, count: u64) -> io::Result<()> {
    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\n";
    let mut talks: Vec<Talk> = (0..count).map(|n| Talk::new(inside(n), server(0, 80))).collect();
    for talk in &mut talks {
        talk.open(capture)?;
    }
    let all = count * REQUEST.len() as u64;
    for (round, byte) in REQUEST.iter().enumerate() {
        for (n, talk) in talks.iter_mut().enumerate() {
            talk.client(capture, &[*byte])?;
            capture.real(round as u64 * count + n as u64, all)?;
        }
    }
    Ok(())
}

fn udp(capture: &mut Capture, count: u64) -> io::Result<()> {
    for n in 0..count {
        capture.datagram(spoofed(n), server(0, 5060), b"\x01\x02\x03\x04")?;
        capture.real(n, count)?;
    }
    Ok(())
}

/// Clients of a private network: a million and more.
fn inside(n: u64) -> SocketAddr {
    let host = Ipv4Addr::from_bits(0x0ac8_0000 + (n % 60_000) as u32);
    SocketAddr::new(host.into(), 1024 + (n / 60_000) as u16)
}

/// Addresses from everywhere, each another one.
fn spoofed(n: u64) -> SocketAddr {
    let scattered = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let ip = match n % 2 {
        0 => IpAddr::from(Ipv4Addr::from_bits((scattered >> 32) as u32)),
        _ => IpAddr::from(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(scattered))),
    };
    SocketAddr::new(ip, 1024 + (scattered % 60_000) as u16)
}

fn server(n: u64, port: u16) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::from_bits(0x0a01_0101 + n as u32).into(), port)
}

#[derive(Clone, Copy)]
enum Side {
    Client,
    Server,
}

/// One TCP connection.
struct Talk {
    client: SocketAddr,
    server: SocketAddr,
    sequence: [u32; 2],
}

impl Talk {
    fn new(client: SocketAddr, server: SocketAddr) -> Self {
        // A client and a server speak the same IP.
        let server = match (client.ip(), server.ip()) {
            (IpAddr::V6(_), IpAddr::V4(ip)) => SocketAddr::new(ip.to_ipv6_mapped().into(), server.port()),
            _ => server,
        };
        Self { client, server, sequence: [u32::from(client.port()) << 8, 77_000] }
    }

    fn syn(&mut self, capture: &mut Capture) -> io::Result<()> {
        self.send(capture, Side::Client, "S", &[])
    }

    fn syn_ack(&mut self, capture: &mut Capture) -> io::Result<()> {
        self.send(capture, Side::Server, "SA", &[])
    }

    fn open(&mut self, capture: &mut Capture) -> io::Result<()> {
        self.syn(capture)?;
        self.syn_ack(capture)?;
        self.send(capture, Side::Client, "A", &[])
    }

    fn client(&mut self, capture: &mut Capture, bytes: &[u8]) -> io::Result<()> {
        self.send(capture, Side::Client, "A", bytes)
    }

    fn server(&mut self, capture: &mut Capture, bytes: &[u8]) -> io::Result<()> {
        self.send(capture, Side::Server, "A", bytes)
    }

    /// `flags`: the letters of those that are set, as tcpdump shows them.
    fn send(&mut self, capture: &mut Capture, side: Side, flags: &str, bytes: &[u8]) -> io::Result<()> {
        let [ours, theirs] = &mut self.sequence;
        let (from, to, sequence, acknowledged) = match side {
            Side::Client => (self.client, self.server, ours, theirs),
            Side::Server => (self.server, self.client, theirs, ours),
        };
        let has = |flag| flags.contains(flag);
        let mut packet = addressed(from, to).tcp(from.port(), to.port(), *sequence, 64_240);
        packet = if has('S') { packet.syn() } else { packet };
        packet = if has('A') { packet.ack(*acknowledged) } else { packet };
        packet = if has('F') { packet.fin() } else { packet };
        packet = if has('R') { packet.rst() } else { packet };
        *sequence = sequence.wrapping_add(bytes.len() as u32 + u32::from(has('S') || has('F')));
        capture.frame.clear();
        packet.write(&mut capture.frame, bytes).map_err(io::Error::other)?;
        capture.record()
    }
}

fn addressed(from: SocketAddr, to: SocketAddr) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    let ethernet = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ethernet.ipv4(from.octets(), to.octets(), 64),
        (from, to) => ethernet.ipv6(v6(from).octets(), v6(to).octets(), 64),
    }
}

fn v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

/// A pcap file being written, a microsecond from packet to packet.
struct Capture {
    out: BufWriter<StdoutLock<'static>>,
    frame: Vec<u8>,
    micros: u64,
    /// Real connections that are open: each begins in one part of the capture and ends in a later one.
    open: Option<(u64, Talk)>,
    begun: u64,
}

impl Capture {
    fn new(out: StdoutLock<'static>) -> Self {
        let out = BufWriter::with_capacity(1 << 20, out);
        Self { out, frame: Vec::new(), micros: 1_750_000_000_000_000, open: None, begun: 0 }
    }

    fn begin(&mut self) -> io::Result<()> {
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        Ok(())
    }

    fn record(&mut self) -> io::Result<()> {
        self.micros += 1;
        let length = self.frame.len() as u32;
        for word in [(self.micros / 1_000_000) as u32, (self.micros % 1_000_000) as u32, length, length] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out.write_all(&self.frame)
    }

    fn datagram(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        self.frame.clear();
        addressed(from, to).udp(from.port(), to.port()).write(&mut self.frame, bytes).map_err(io::Error::other)?;
        self.record()
    }

    /// Goes on with the real connections: the one that is open says its request when the next begins,
    /// so that its handshake and its silence fall among everything else.
    fn real(&mut self, n: u64, count: u64) -> io::Result<()> {
        if n < self.begun * count / LOGINS {
            return Ok(());
        }
        let client = SocketAddr::new(Ipv4Addr::from_bits(0x0a4d_0000 + self.begun as u32).into(), 50_000);
        let mut next = Talk::new(client, server(0, 8080));
        next.syn(self)?;
        if let Some((number, mut talk)) = self.open.replace((self.begun, next)) {
            talk.login(self, number)?;
        }
        self.begun += 1;
        if self.begun == LOGINS
            && let Some((number, mut talk)) = self.open.take()
        {
            talk.login(self, number)?;
        }
        Ok(())
    }
}

impl Talk {
    fn login(&mut self, capture: &mut Capture, number: u64) -> io::Result<()> {
        // `user:secret-of-the-user-NNN`, whose last three bytes are one group of base64.
        let last = [number / 100 % 10, number / 10 % 10, number % 10].map(|digit| b'0' + digit as u8);
        let group = u32::from_be_bytes([0, last[0], last[1], last[2]]);
        let letter = |shift: u32| {
            const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            LETTERS.get((group >> shift & 63) as usize).map_or('=', |letter| char::from(*letter))
        };
        let tail: String = [18, 12, 6, 0].map(letter).iter().collect();
        let request = format!(
            "GET /private HTTP/1.1\r\nHost: intra.example\r\nAuthorization: Basic dXNlcjpzZWNyZXQtb2YtdGhlLXVzZXIt{tail}\r\n\r\n"
        );
        self.syn_ack(capture)?;
        self.send(capture, Side::Client, "A", &[])?;
        self.client(capture, request.as_bytes())?;
        self.server(capture, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        self.send(capture, Side::Client, "FA", &[])?;
        self.send(capture, Side::Server, "FA", &[])?;
        self.send(capture, Side::Client, "A", &[])
    }
}
