//! Who makes room for whom when there is too much of everything.

use super::*;

#[test]
fn the_flow_idle_longest_makes_room_after_those_that_are_over() {
    let mut wire = Wire::new(Limits { flows: 3, ..Limits::default() });
    wire.udp((50001, 53), "a").udp((50002, 53), "b");
    wire.handshake().client(FIN, 0, 0, "").server(FIN, 0, 1, "");
    wire.wait(1).udp((50001, 53), "a").udp((50003, 53), "c").told();
    assert_eq!(wire.table.tally().evicted, 0);
    wire.udp((50004, 53), "d");
    assert_eq!(wire.told(), ["4 open 53", "4> d", "1 Evicted"]);
    assert_eq!(wire.table.tally().evicted, 1);
}

/// A SYN from another address each time.
fn flood(wire: &mut Wire, count: u8) {
    let numbers = |seq, ack, flags| TransportHeader::Tcp { seq, ack, flags: TcpFlags(flags), window: 9 };
    for n in 0..count {
        let end = |port| Endpoint { ip: IpAddr::from([9, 9, 9, n]), port };
        let (client, server) = (end(1234), Endpoint { ip: IpAddr::from([10, 0, 0, 2]), port: 80 });
        wire.segment(client, server, numbers(5, 0, SYN));
        wire.segment(server, client, numbers(7, 6, SYN | ACK));
    }
}

#[test]
fn a_connection_that_never_comes_about_is_counted_and_not_told() {
    let mut wire = wire();
    wire.client(SYN, 0, 0, "").server(RST, 0, 0, "").client(SYN, 9000, 0, "").server(SYN | ACK, 0, 9000, "");
    assert_eq!(wire.finished(), [""; 0]);
    let tally = wire.table.tally();
    assert_eq!((tally.tcp, tally.refused, tally.half_open), (2, 1, 1));
    wire.handshake();
    assert_eq!(wire.finished(), ["2 open 80", "2 Finished"], "nothing was sent, but it came about");
}

#[test]
fn a_flood_of_handshakes_pushes_out_handshakes_alone() {
    let mut wire = Wire::new(Limits { flows: 2, half_open: 3, ..Limits::default() });
    wire.udp((50001, 53), "a").handshake();
    flood(&mut wire, 200);
    wire.client(ACK, 0, 0, "abc").udp((50001, 53), "b");
    assert_eq!(wire.told(), ["0 open 53", "0> a", "1 open 80", "1> abc", "0> b"]);
    let tally = wire.table.tally();
    assert_eq!((tally.evicted_half_open, tally.half_open, tally.evicted), (197, 197, 0));
    assert_eq!(wire.table.slots.len(), 5);
}

#[test]
fn flows_that_nobody_answers_make_room_before_those_that_speak() {
    let mut wire = Wire::new(Limits { flows: 8, ..Limits::default() });
    wire.handshake().client(ACK, 0, 0, "abc").told();
    for port in 50_000..51_000 {
        wire.wait(1).udp((port, 53), "?");
    }
    assert!(!wire.told().contains(&"0 Evicted".to_owned()));
    let tally = wire.table.tally();
    assert_eq!((tally.evicted, tally.evicted_unanswered), (993, 993));
}

#[test]
fn a_flood_that_nobody_answers_has_room_of_its_own_and_is_soon_forgotten() {
    let mut wire = Wire::new(Limits { udp_unanswered: 3, ..Limits::default() });
    wire.udp((50_000, 53), "a").udp((53, 50_000), "b").told();
    for port in 50_001..50_101 {
        wire.udp((port, 53), "?");
    }
    assert!(wire.told().contains(&"1 Evicted".to_owned()));
    assert_eq!((wire.table.slots.len(), wire.table.tally().evicted_udp), (4, 97));
    wire.wait(40);
    wire.udp((50_000, 53), "c").udp((50_000, 53), "c").udp((50_000, 53), "c");
    let told = wire.told();
    assert_eq!(told.iter().filter(|line| line.ends_with("Idle")).count(), 3, "{told:?}");
    assert_eq!(wire.table.slots.len(), 1);
}

#[test]
fn a_client_with_more_than_its_share_makes_room_for_the_others() {
    let mut wire = Wire::new(Limits { flows: 1000, ..Limits::default() });
    let end = |host, port| Endpoint { ip: IpAddr::from([10, 0, 1, host]), port };
    let talk = |wire: &mut Wire, host: u8, port: u16| {
        for (from, to) in [(end(host, port), end(0, 53)), (end(0, 53), end(host, port))] {
            wire.datagram(from, to, b"x");
        }
    };
    for host in 1..=250 {
        talk(&mut wire, host, 40_000);
    }
    for port in 40_000..60_000 {
        talk(&mut wire, 251, port);
    }
    let tally = wire.table.tally();
    assert_eq!((tally.evicted, tally.evicted_crowding), (19_250, 19_250));
}

#[test]
fn an_idle_flow_is_small() {
    let size = size_of::<Entry>() + size_of::<Interest>();
    assert!(size <= 256, "{size}");
}
