//! Makes frames around IP packets, as the specification of each encapsulation says.

/// A way to carry an IP packet.
pub(super) struct Encapsulation {
    pub(super) name: &'static str,
    /// `LINKTYPE_` of the capture.
    pub(super) link: u32,
    /// What the ledger calls it.
    pub(super) tunnel: Option<String>,
    /// What tshark must be told.
    pub(super) tshark: &'static [&'static str],
    /// IP versions it cannot carry.
    without: &'static [u8],
    pub(super) wrap: fn(&[u8]) -> Vec<u8>,
}

impl Encapsulation {
    pub(super) fn carries(&self, version: u8) -> bool {
        !self.without.contains(&version)
    }

    fn on(name: &'static str, link: u32, wrap: fn(&[u8]) -> Vec<u8>) -> Self {
        Self { name, link, tunnel: None, tshark: &[], without: &[], wrap }
    }

    fn of(name: &'static str, wrap: fn(&[u8]) -> Vec<u8>) -> Self {
        Self::on(name, 1, wrap)
    }

    fn tunnel(self, tunnel: &str) -> Self {
        Self { tunnel: Some(tunnel.to_owned()), ..self }
    }

    fn told(self, tshark: &'static [&'static str]) -> Self {
        Self { tshark, ..self }
    }

    fn without(self, without: &'static [u8]) -> Self {
        Self { without, ..self }
    }
}

/// Every encapsulation, alone and in some nestings.
pub(super) static ENCAPSULATIONS: std::sync::LazyLock<Vec<Encapsulation>> = std::sync::LazyLock::new(|| {
    let mut all = links();
    all.extend(tags());
    all.extend(tunnels());
    all.extend(nested());
    all
});

fn links() -> Vec<Encapsulation> {
    type E = Encapsulation;
    vec![
        E::on("Ethernet", 1, frame),
        E::on("802.3br mPacket", 274, |ip| {
            let frame = frame(ip);
            [&[0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5][..], &frame, &frame_check(&frame).to_le_bytes()].concat()
        }),
        E::on("BSD loopback", 0, |ip| join(&[if is_six(ip) { 30 } else { 2 }, 0, 0, 0], ip)),
        E::on("OpenBSD loopback", 108, |ip| join(&[0, 0, 0, if is_six(ip) { 24 } else { 2 }], ip)),
        E::on("raw IP", 101, <[u8]>::to_vec),
        E::on("raw IPv4", 228, <[u8]>::to_vec).without(&[6]),
        E::on("raw IPv6", 229, <[u8]>::to_vec).without(&[4]),
        E::on("PPP", 9, |ip| join(&[0xff, 3], &ppp(ip))),
        E::on("PPP in HDLC framing", 50, |ip| join(&[0xff, 3], &ppp(ip))),
        E::on("Cisco HDLC", 104, |ip| join(&[0x0f, 0], &typed(ip))),
        E::on("Frame Relay", 107, |ip| join(&[0x18, 0x41, 3, if is_six(ip) { 0x8e } else { 0xcc }], ip)),
        E::on("Linux cooked", 113, |ip| join(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], &typed(ip))),
        E::on("Linux cooked, version 2", 276, |ip| {
            let [high, low] = ether_type(ip).to_be_bytes();
            join(&[high, low, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], ip)
        }),
        E::on("NFLOG", 239, |ip| {
            let [low, high] = (ip.len() as u16 + 4).to_le_bytes();
            join(&[if is_six(ip) { 10 } else { 2 }, 0, 0, 0, low, high, 9, 0], ip)
        }),
        E::on("802.11", 105, wlan),
        E::on("802.11 with radiotap", 127, |ip| join(&[0, 0, 9, 0, 2, 0, 0, 0, 0], &wlan(ip))),
    ]
}

fn tags() -> Vec<Encapsulation> {
    type E = Encapsulation;
    vec![
        E::of("802.1Q", |ip| eth(0x8100, &join(&[0, 5], &typed(ip)))),
        E::of("QinQ", |ip| eth(0x8100, &join(&[0, 5, 0x81, 0, 0, 6], &typed(ip)))),
        E::of("802.1ad", |ip| eth(0x88a8, &join(&[0, 5, 0x81, 0, 0, 6], &typed(ip)))),
        E::of("VN-tag", |ip| eth(0x8926, &join(&[0, 1, 0, 2], &typed(ip)))),
        E::of("802.1BR E-tag", |ip| eth(0x893f, &join(&[0, 1, 0, 2, 0, 0], &typed(ip)))),
        E::of("provider backbone bridge", |ip| eth(0x88e7, &join(&[0, 0, 0, 9], &frame(ip)))),
        E::of("LLC and SNAP", |ip| {
            let inside = snap(ip);
            eth(inside.len() as u16, &inside)
        }),
        E::of("MACsec without encryption", |ip| {
            eth(0x88e5, &join(&[0, 0, 0, 0, 0, 1], &[&typed(ip)[..], &[0xee; 16]].concat()))
        }),
        E::of("PPPoE", |ip| {
            let inside = ppp(ip);
            let [high, low] = (inside.len() as u16).to_be_bytes();
            eth(0x8864, &join(&[0x11, 0, 0, 9, high, low], &inside))
        }),
        E::of("MPLS", |ip| eth(0x8847, &join(&[0, 1, 0, 64, 0, 2, 1, 64], ip))).tunnel("mpls"),
        E::of("MPLS pseudowire with control word", |ip| eth(0x8847, &join(&[0, 1, 1, 64, 0, 0, 0, 0], &frame(ip))))
            .tunnel("mpls")
            .told(&["-d", "mpls.label==16,pwethcw"]),
        E::of("MPLS pseudowire without control word", |ip| eth(0x8847, &join(&[0, 1, 1, 64], &frame(ip))))
            .tunnel("mpls")
            .told(&["-d", "mpls.label==16,pwethnocw"]),
    ]
}

/// Nothing in its data says what they hold: the two ends have agreed on it.
const L2TP_3: &[&str] =
    &["-o", "l2tp.cookie_size:None", "-o", "l2tp.l2_specific:Default L2-Specific", "-d", "l2tp.pw_type==0,eth"];

fn tunnels() -> Vec<Encapsulation> {
    type E = Encapsulation;
    vec![
        E::of("GRE", |ip| outer(47, &join(&[0, 0], &typed(ip)))).tunnel("gre"),
        E::of("GRE with key, checksum and sequence", |ip| {
            let [high, low] = ether_type(ip).to_be_bytes();
            outer(47, &join(&[0xb0, 0, high, low, 0, 0, 0, 0, 0, 0, 0, 77, 0, 0, 0, 1], ip))
        })
        .tunnel("gre 77"),
        E::of("GRE over IPv6", |ip| outer_six(47, &join(&[0, 0], &typed(ip)))).tunnel("gre"),
        E::of("NVGRE", |ip| outer(47, &join(&[0x20, 0, 0x65, 0x58, 0, 0x10, 0, 3], &frame(ip)))).tunnel("nvgre 4096"),
        E::of("ERSPAN I", |ip| outer(47, &join(&[0, 0, 0x88, 0xbe], &frame(ip)))).tunnel("erspan"),
        E::of("ERSPAN II", |ip| {
            outer(47, &join(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 9, 0, 0, 0, 0], &frame(ip)))
        })
        .tunnel("erspan"),
        E::of("ERSPAN III", |ip| {
            let header = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0];
            outer(47, &join(&header, &frame(ip)))
        })
        .tunnel("erspan"),
        E::of("PPTP", |ip| {
            let inside = join(&[0xff, 3], &ppp(ip));
            let [high, low] = (inside.len() as u16).to_be_bytes();
            outer(47, &join(&[0x30, 1, 0x88, 0x0b, high, low, 0, 9, 0, 0, 0, 1], &inside))
        })
        .tunnel("pptp"),
        E::of("VXLAN", |ip| vxlan(4096, ip)).tunnel("vxlan 4096"),
        E::of("VXLAN over IPv6", |ip| outer_six(17, &udp(4789, &join(&[8, 0, 0, 0, 0, 0x10, 0, 0], &frame(ip)))))
            .tunnel("vxlan 4096"),
        E::of("VXLAN-GPE with IP", |ip| {
            outer(17, &udp(4790, &join(&[0x0c, 0, 0, if is_six(ip) { 2 } else { 1 }, 0, 0, 7, 0], ip)))
        })
        .tunnel("vxlan-gpe 7"),
        E::of("VXLAN-GPE with NSH", |ip| {
            let nsh = [0, 2, 2, 3, 0, 0, 1, 255];
            outer(17, &udp(4790, &join(&[0x0c, 0, 0, 4, 0, 0, 7, 0], &join(&nsh, &frame(ip)))))
        })
        .tunnel("vxlan-gpe 7"),
        E::of("GENEVE", |ip| {
            let header = [1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 0x80, 0];
            outer(17, &udp(6081, &join(&header, &frame(ip))))
        })
        .tunnel("geneve 7"),
        E::of("IP in IPv4", |ip| outer(if is_six(ip) { 41 } else { 4 }, ip)).tunnel("ip-in-ip"),
        E::of("IP in IPv6", |ip| outer_six(if is_six(ip) { 41 } else { 4 }, ip)).tunnel("ip-in-ip"),
        E::of("Teredo", |ip| outer(17, &udp(3544, ip))).tunnel("teredo").without(&[4]),
        E::of("GTP-U", |ip| outer(17, &udp(2152, &gtp(0x30, &[], ip)))).tunnel("gtp-u"),
        E::of("GTP-U with an extension", |ip| outer(17, &udp(2152, &gtp(0x34, &[0, 0, 0, 0x85, 1, 0, 9, 0], ip))))
            .tunnel("gtp-u"),
        E::of("TZSP", |ip| outer(17, &udp(37008, &join(&[1, 0, 0, 1, 1], &frame(ip))))).tunnel("tzsp"),
        E::of("L2TP", |ip| {
            let inside = join(&[0xff, 3], &ppp(ip));
            let [high, low] = (inside.len() as u16 + 8).to_be_bytes();
            outer(17, &udp(1701, &join(&[0x40, 2, high, low, 0, 1, 0, 2], &inside)))
        })
        .tunnel("l2tp"),
        E::of("L2TP version 3 over UDP", |ip| {
            outer(17, &udp(1701, &join(&[0, 3, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0], &frame(ip))))
        })
        .tunnel("l2tp")
        .told(L2TP_3),
        E::of("L2TP version 3 over IP", |ip| outer(115, &join(&[0, 0, 0, 9, 0, 0, 0, 0], &frame(ip))))
            .tunnel("l2tp")
            .told(L2TP_3),
        E::of("CAPWAP with 802.11", |ip| outer(17, &udp(5247, &join(&[0, 0x10, 3, 0, 0, 0, 0, 0], &wlan(ip)))))
            .tunnel("capwap")
            .told(&["-o", "capwap.swap_fc:FALSE"]),
        E::of("CAPWAP with 802.3", |ip| outer(17, &udp(5247, &join(&[0, 0x10, 2, 0, 0, 0, 0, 0], &frame(ip)))))
            .tunnel("capwap"),
        E::of("EtherIP", |ip| outer(97, &join(&[0x30, 0], &frame(ip)))).tunnel("etherip"),
        E::of("Ethernet in SRv6", |ip| outer_six(143, &frame(ip))).tunnel("srv6"),
        E::of("IPsec AH in tunnel mode", |ip| {
            let next = if is_six(ip) { 41 } else { 4 };
            outer(51, &join(&[next, 4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], &join(&[0xee; 12], ip)))
        })
        .tunnel("ip-in-ip"),
        E::of("IPsec ESP without encryption", |ip| {
            let next = if is_six(ip) { 41 } else { 4 };
            let padding = (4 - (ip.len() + 2) % 4) % 4;
            let padded: Vec<u8> = (1..=padding as u8).chain([padding as u8, next]).collect();
            outer(50, &join(&[0, 0, 0, 9, 0, 0, 0, 1], &[ip, &padded, &[0xee; 12]].concat()))
        })
        .tunnel("ip-in-ip")
        .told(&["-o", "esp.enable_null_encryption_decode_heuristic:TRUE"]),
        E::of("IPsec ESP without encryption in UDP", |ip| {
            let next = if is_six(ip) { 41 } else { 4 };
            let padding = (4 - (ip.len() + 2) % 4) % 4;
            let padded: Vec<u8> = (1..=padding as u8).chain([padding as u8, next]).collect();
            outer(17, &udp(4500, &join(&[0, 0, 1, 9, 0, 0, 0, 1], &[ip, &padded, &[0xee; 12]].concat())))
        })
        .tunnel("ip-in-ip")
        .told(&["-o", "esp.enable_null_encryption_decode_heuristic:TRUE"]),
    ]
}

/// A way to carry PPP: its name, the `LINKTYPE_` of the capture, and the frame around what a client or its
/// server sends.
type PppWrap = (&'static str, u32, fn(bool, &[u8]) -> Vec<u8>);

/// Ways to carry PPP.
pub(super) const PPP: [PppWrap; 4] = [
    ("PPP alone", 9, |_, inside| join(&[0xff, 3], inside)),
    ("PPPoE", 1, |from_client, inside| {
        let [high, low] = (inside.len() as u16).to_be_bytes();
        let frame = eth(0x8864, &join(&[0x11, 0, 0, 9, high, low], inside));
        let (to, from) = frame[..12].split_at(6);
        if from_client { frame.clone() } else { [from, to, &frame[12..]].concat() }
    }),
    ("PPTP", 1, |from_client, inside| {
        let [high, low] = (inside.len() as u16).to_be_bytes();
        turned(from_client, outer(47, &join(&[0x30, 1, 0x88, 0x0b, high, low, 0, 9, 0, 0, 0, 1], inside)))
    }),
    ("L2TP", 1, |from_client, inside| {
        turned(from_client, outer(17, &udp(1701, &join(&[0, 2, 0, 1, 0, 2, 0xff, 3], inside))))
    }),
];

/// An IPv4 packet in an Ethernet frame, one way or the other. Its checksum does not mind.
fn turned(forth: bool, frame: Vec<u8>) -> Vec<u8> {
    if forth {
        return frame;
    }
    [&frame[..26], &frame[30..34], &frame[26..30], &frame[34..]].concat()
}

fn nested() -> Vec<Encapsulation> {
    type E = Encapsulation;
    vec![
        E::of("VXLAN in QinQ in GRE", |ip| {
            let tagged = eth(0x88a8, &join(&[0, 5, 0x81, 0, 0, 6], &vxlan(9, ip)[12..]));
            outer(47, &join(&[0, 0, 0x65, 0x58], &tagged))
        })
        .tunnel("vxlan 9"),
        E::of("GRE in MPLS pseudowire in PPPoE", |ip| {
            let gre = outer(47, &join(&[0, 0], &typed(ip)));
            let inside = join(&[0x02, 0x81, 0, 1, 1, 64, 0, 0, 0, 0], &gre);
            let [high, low] = (inside.len() as u16).to_be_bytes();
            eth(0x8864, &join(&[0x11, 0, 0, 9, high, low], &inside))
        })
        .tunnel("gre")
        .told(&["-d", "mpls.label==16,pwethcw"]),
        E::on("GTP-U in GENEVE on Linux cooked", 113, |ip| {
            let gtp = outer(17, &udp(2152, &gtp(0x30, &[], ip)));
            let geneve = outer(17, &udp(6081, &join(&[0, 0, 0x65, 0x58, 0, 0, 3, 0], &gtp)));
            join(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], &geneve[12..])
        })
        .tunnel("gtp-u"),
        E::of("IP in IP, five times", |ip| {
            let once = |inside: &[u8]| ip_four(if is_six(inside) { 41 } else { 4 }, inside);
            frame(&once(&once(&once(&once(&once(ip))))))
        })
        .tunnel("ip-in-ip"),
    ]
}

/// In the numbered network of a VXLAN.
pub(super) fn vxlan(network: u32, ip: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = network.to_be_bytes();
    outer(17, &udp(4789, &join(&[8, 0, 0, 0, a, b, c, 0], &frame(ip))))
}

/// An IPv4 packet with right checksums, whatever its sender's network card was to put in.
pub(super) fn four(packet: &[u8]) -> Vec<u8> {
    let header = usize::from(packet[0] & 15) * 4;
    let mut out = packet.to_vec();
    let [source, destination] = [&packet[12..16], &packet[16..20]];
    complete_tcp(&mut out[header..], &[source, destination].concat());
    out
}

/// The same as IPv6, between addresses that have the old ones at their ends.
pub(super) fn six(packet: &[u8]) -> Vec<u8> {
    let header = usize::from(packet[0] & 15) * 4;
    let mut tcp = packet[header..].to_vec();
    // Of Teredo, which is told by its prefix.
    let address = |old: &[u8]| [&[0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], old].concat();
    let ends = [address(&packet[12..16]), address(&packet[16..20])].concat();
    complete_tcp(&mut tcp, &ends);
    let [high, low] = (tcp.len() as u16).to_be_bytes();
    [&[0x60, 0, 0, 0, high, low, 6, 64][..], &ends, &tcp].concat()
}

/// Another payload behind a packet's IP header.
pub(super) fn ip_around(packet: &[u8], number: u8, inside: &[u8]) -> Vec<u8> {
    let mut header = packet[..if is_six(packet) { 40 } else { 20 }].to_vec();
    if is_six(packet) {
        header[4..6].copy_from_slice(&(inside.len() as u16).to_be_bytes());
        header[6] = number;
    } else {
        header[0] = 0x45;
        header[2..4].copy_from_slice(&(inside.len() as u16 + 20).to_be_bytes());
        header[9] = number;
        header[10..12].fill(0);
        let sum = checksum(&header).to_be_bytes();
        header[10..12].copy_from_slice(&sum);
    }
    join(&header, inside)
}

fn complete_tcp(tcp: &mut [u8], ends: &[u8]) {
    tcp[16..18].fill(0);
    let [high, low] = (tcp.len() as u16).to_be_bytes();
    let sum = checksum(&[ends, &[0, 6, high, low], tcp].concat());
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
}

fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The checksum behind an Ethernet frame.
fn frame_check(frame: &[u8]) -> u32 {
    !frame.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

fn is_six(ip: &[u8]) -> bool {
    ip[0] >> 4 == 6
}

fn ether_type(ip: &[u8]) -> u16 {
    if is_six(ip) { 0x86dd } else { 0x0800 }
}

fn join(header: &[u8], inside: &[u8]) -> Vec<u8> {
    [header, inside].concat()
}

/// An Ethernet type, and the packet.
fn typed(ip: &[u8]) -> Vec<u8> {
    join(&ether_type(ip).to_be_bytes(), ip)
}

fn eth(kind: u16, inside: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind.to_be_bytes(), inside].concat()
}

fn frame(ip: &[u8]) -> Vec<u8> {
    eth(ether_type(ip), ip)
}

fn snap(ip: &[u8]) -> Vec<u8> {
    join(&[0xaa, 0xaa, 3, 0, 0, 0], &typed(ip))
}

/// A data frame to a distribution system, with quality of service.
fn wlan(ip: &[u8]) -> Vec<u8> {
    let header =
        [&[0x88, 1, 0, 0][..], &[2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x10, 0, 0, 0]].concat();
    join(&header, &snap(ip))
}

fn ppp(ip: &[u8]) -> Vec<u8> {
    join(&[0, if is_six(ip) { 0x57 } else { 0x21 }], ip)
}

fn gtp(flags: u8, more: &[u8], ip: &[u8]) -> Vec<u8> {
    let [high, low] = (more.len() as u16 + ip.len() as u16).to_be_bytes();
    [&[flags, 255, high, low, 0, 0, 0, 9], more, ip].concat()
}

fn udp(port: u16, inside: &[u8]) -> Vec<u8> {
    let length = (inside.len() as u16 + 8).to_be_bytes();
    [&port.to_be_bytes()[..], &port.to_be_bytes(), &length, &[0, 0], inside].concat()
}

fn ip_four(number: u8, inside: &[u8]) -> Vec<u8> {
    let [high, low] = (inside.len() as u16 + 20).to_be_bytes();
    let mut header = vec![0x45, 0, high, low, 0, 0, 0, 0, 64, number, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    let sum = checksum(&header).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    join(&header, inside)
}

/// In an IPv4 packet, in an Ethernet frame.
fn outer(number: u8, inside: &[u8]) -> Vec<u8> {
    frame(&ip_four(number, inside))
}

/// In an IPv6 packet, in an Ethernet frame.
fn outer_six(number: u8, inside: &[u8]) -> Vec<u8> {
    let [high, low] = (inside.len() as u16).to_be_bytes();
    let end = |last| [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    frame(&[&[0x60, 0, 0, 0, high, low, number, 64][..], &end(1), &end(2), inside].concat())
}
