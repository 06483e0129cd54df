//! Every cap of the program, with its reason. Reaching one is counted and shown in the summary. Those an
//! operator may set are [`Limits`]; the constants are what they are by default, and what nobody would set.

mod cap;
mod table;

pub use cap::Cap;
pub use table::{Limit, Limits, TABLE, Value, counted};

/// Bytes of one direction that an analyzer may leave unconsumed. A message longer than this is
/// skipped unless its analyzer consumes it piece by piece.
pub const PENDING_BYTES: usize = 1 << 20;

/// Bytes of each direction kept while no analyzer has recognised the protocol. More than any
/// protocol's greeting; what is unknown after this stays so.
pub const OPENING_BYTES: usize = 4096;

/// Packets that the bytes of one buffer are known to have come from, however few bytes each of them has;
pub const ORIGINS: usize = 16;

/// past these, one for so many bytes: remembering the packet of each byte of a trickle would cost far
/// more than the bytes.
pub const ORIGIN_BYTES: usize = 64;

/// Out-of-order bytes held for one direction of a flow. A hole that outlives this many bytes of
/// later data was a loss in the capture. Sixteen full-size windows of a LAN sender.
pub const REORDER_BYTES: usize = 1 << 20;

/// Out-of-order bytes held for all flows together.
pub const REORDER_TOTAL_BYTES: usize = 256 << 20;

/// Flows in the table. One that is over makes room, else one of a client with more than its share, else
/// one that nobody answered, else the one idle longest.
pub const FLOWS: usize = 1 << 20;

/// TCP handshakes that are waited for; more at a time are a flood or a scan. The oldest makes room for
/// another handshake, never for anything else.
pub const HALF_OPEN: usize = 1 << 18;

/// UDP flows of which one side alone has spoken. A flood of forged addresses makes each a flow; what is
/// really said to nobody (logs, discovery) is fewer.
pub const UDP_UNANSWERED: usize = 1 << 16;

/// Seconds of packet time after which a silent TCP flow is forgotten.
pub const TCP_IDLE_SECONDS: i64 = 3600;

/// Seconds of packet time after which a half-open (one SYN, nothing else) or closed flow is forgotten.
pub const TCP_SHORT_SECONDS: i64 = 60;

/// Seconds of packet time for which a TCP flow that was aborted, or is over but for bytes that are
/// missing, may still deliver what was on its way.
pub const TCP_LINGER_SECONDS: i64 = 5;

/// Seconds of packet time after which a silent UDP flow is forgotten.
pub const UDP_IDLE_SECONDS: i64 = 180;

/// The same for one that nobody has answered: what firewalls wait.
pub const UDP_SHORT_SECONDS: i64 = 30;

/// Layers peeled off one packet. A tunnel costs three (its frame, its IP, its own header), a tag or an
/// extension header one.
pub const DECODE_DEPTH: usize = 32;

/// IP datagrams of which some fragments are waited for. The oldest makes room.
pub const FRAGMENTED_DATAGRAMS: usize = 1 << 14;

/// Bytes of fragments that wait for others, of all datagrams together: a thousand of the largest.
pub const FRAGMENT_BYTES: usize = 64 << 20;

/// Fragments of one datagram. The largest takes 120 where packets have the 576 bytes that every IPv4
/// network must carry; one in more pieces is made to hide something or to cost something.
pub const FRAGMENTS: usize = 256;

/// Seconds of packet time after which the rest of a datagram is not waited for: what common receivers
/// wait. IPv4 identifiers are used again, and fragments of two datagrams must not meet.
pub const FRAGMENT_SECONDS: i64 = 30;

/// Nanoseconds of packet time for which a copy of a packet is waited for: what two taps of a link, and
/// their clocks, are apart.
pub const COPY_NANOS: i64 = 100_000_000;

/// Packets that are remembered to know their copies. A tenth of a second of a 10 Gbit/s link with full frames.
pub const COPIES: usize = 1 << 17;

/// Longest record of a capture file. A length beyond it is damage, not a packet: captures of a network
/// have 256 KiB at most, the longest of any kind (USB) stay below this.
pub const RECORD_BYTES: usize = 16 << 20;

/// The window of a compressed capture file: what `zstd --long` and `xz -9` use, and twice that. It is held
/// in memory while the file is read.
pub const WINDOW_BYTES: usize = 128 << 20;

/// Unpacked bytes of a compressed capture file that wait to be read.
pub const AHEAD_BYTES: usize = 4 << 20;

/// Longest packet that is believed while the next sound record of a damaged capture file is looked for.
pub const RESYNC_RECORD_BYTES: usize = 256 << 10;

/// How far the time of a record may be from that of the last sound one before the damage, in seconds.
pub const RESYNC_SECONDS: i64 = 86_400;

/// Interfaces of one section of a pcapng file.
pub const INTERFACES: usize = 1 << 16;

/// Longest line of a text protocol.
pub const LINE_BYTES: usize = 64 << 10;

/// Decoded bytes of one message body that are kept to be looked at together; a longer body is
/// looked at in pieces of this size.
pub const BODY_BYTES: usize = 256 << 10;

/// Decoded bytes of one message body in all. What is past it is skipped: a decompression bomb ends here.
pub const BODY_TOTAL_BYTES: usize = 64 << 20;

/// Bytes of the piece before that a content scan sees again, so that a value split between two
/// pieces is found.
pub const TEXT_OVERLAP_BYTES: usize = 512;

/// Nesting of JSON, XML and MIME that is followed.
pub const NESTING: usize = 64;

/// One message of an authentication exchange. Kerberos tickets with many groups are the longest.
pub const SASL_BYTES: usize = 64 << 10;

/// Requests (or statements, commands) of one connection that wait for their answers.
pub const OUTSTANDING: usize = 256;

/// Bytes of one handshake message that are kept. The longest chains of certificates in use have a
/// tenth of it.
pub const HANDSHAKE_BYTES: usize = 256 << 10;

/// Encrypted bytes of one direction after which the other side of a TLS handshake is not waited for
/// any longer: it was not captured.
pub const HANDSHAKE_PATIENCE: usize = 64 << 10;

/// Certificates of one chain that are read. Real chains have two to five.
pub const CERTIFICATES: usize = 32;

/// Prepared statements (or open portals) of one connection that are remembered. The oldest is forgotten.
pub const PREPARED: usize = 256;

/// Values of one kind in one column of one answer that are findings of their own; of more, only the
/// number is told. Enough to show any table, and a table of a million cards is no million findings.
pub const COLUMN_FINDINGS: usize = 1000;

/// Different values of one column of one answer that are told apart: half a megabyte of hashes.
pub const COUNTED_VALUES: usize = 1 << 14;

/// Columns of one flow whose values are counted. The oldest is forgotten.
pub const COUNTED_COLUMNS: usize = 32;

/// Flows of one worker whose values are counted. The oldest is forgotten: few flows carry such values
/// at a time.
pub const COUNTED_FLOWS: usize = 1 << 14;

/// Contents that each worker remembers so as not to read them again, and half of the findings in them.
pub const CONTENTS: usize = 64 << 10;

/// Distinct findings, of each worker and of all. What is past it is counted by severity and not kept.
pub const FINDINGS: usize = 1 << 20;

/// Payload bytes of one batch between the capture thread and a worker.
pub const BATCH_BYTES: usize = 1 << 20;

/// Chunks of one batch: many small packets make a full batch too.
pub const BATCH_CHUNKS: usize = 8192;

/// Batches on their way to one worker. The capture thread waits when they are all in use.
pub const BATCHES_IN_FLIGHT: usize = 4;

/// Links of the ledger. Those on which nothing was found make room first; among equals the last by
/// (client, server, transport), so that what is kept does not depend on the order of arrival.
pub const LINKS: usize = 1 << 20;

/// Links of the ledger on which one side alone spoke, in no known protocol: their addresses may be forged.
pub const MUTE_LINKS: usize = 1 << 16;

/// Distinct TLS handshakes (by server, SNI, version, cipher and certificate) of the ledger.
pub const HANDSHAKES: usize = 1 << 16;

/// Distinct handshakes that a worker holds together while their flows are open. Past it they are held
/// apart: nothing is lost.
pub const HANDSHAKES_SHARED: usize = 4096;

/// Announced connections (FTP data and its kin) the ledger remembers.
pub const EXPECTED: usize = 1 << 16;

/// Handshakes of one flow that are kept: a tunnel's outer and inner one, and renegotiations.
pub const FLOW_HANDSHAKES: usize = 4;

/// Tunnels of one link that are named. Which they are does not depend on the order of arrival.
pub const LINK_TUNNELS: usize = 8;

/// Connections one flow may announce.
pub const FLOW_EXPECTED: usize = 1024;

/// Names of one server that are kept: enough to choose the usual one.
pub const SERVER_NAMES: usize = 16;

/// Bytes of a message's head: a start line and its headers. What is longer is no message.
pub const HEAD_BYTES: usize = 256 << 10;

/// Bytes of a request's content that are held until the answer says whether a login in it was let in.
/// Login forms and messages are far smaller.
pub const HELD_BYTES: usize = 16 << 10;

/// Unanswered requests of a connection beyond which no content is held: nobody logs in by pipelining.
pub const HELD_REQUESTS: usize = 8;

/// Open streams of one HTTP/2 connection. Servers allow a hundred or so at a time. The oldest that has nothing
/// more to say is forgotten.
pub const STREAMS: usize = 256;

/// Content that all streams of one HTTP/2 connection hold. What finds no room is skipped.
pub const STREAMS_BYTES: usize = 8 << 20;

/// The header fields of one direction of an HTTP/2 connection that later ones may refer to. Browsers and gRPC
/// ask for at most this much.
pub const HPACK_BYTES: usize = 64 << 10;

/// Bytes that are held while it is looked for where frames of HTTP/2 begin: three of the longest that everybody
/// accepts.
pub const RESYNC_FRAME_BYTES: usize = 64 << 10;

/// Pieces of a report (lines, mostly) that wait for a slow target. What finds no room is counted.
pub const SPOOLED: usize = 4096;

/// Bytes of an archive, an office document or a PDF file that are held to be opened. The text of a
/// longer one stands in its first part more often than not: pictures and fonts make it long.
pub const DOCUMENT_BYTES: usize = 2 << 20;

/// Bytes that are unpacked of one archive or document, with all that is inside of it.
pub const DOCUMENT_TEXT_BYTES: usize = 16 << 20;

/// Files of one connection that are remembered by name. The one used longest ago is forgotten.
pub const OPEN_FILES: usize = 1024;

/// Bytes that are held of the files of one connection, until they are whole or in order: four documents, and
/// as many bytes that came too early as a large window has.
pub const FILES_BYTES: usize = 4 * DOCUMENT_BYTES;
