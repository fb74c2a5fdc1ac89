// Every bound on what a stranger can make us hold, read or do, by name, with its reason.
#pragma once

#include <cstddef>

#include "p2p/base/units.hpp"

namespace packswarm::limits {

using namespace std::chrono_literals;

inline constexpr ByteCount kib = 1024;
inline constexpr ByteCount mib = 1024 * kib;
inline constexpr ByteCount gib = 1024 * mib;

// What strangers make us keep in memory, over all rooms: indexes and bytes on their way, buffers of peers, lines
// without an end. Their own bounds are below; together they would be half as much again.
inline constexpr ByteCount max_foreign_memory = 96 * mib;

// Texts
inline constexpr std::size_t max_url = 4096;  // longer than any package address; a header line must hold it
inline constexpr std::size_t max_name = 512;  // package and file names of an index

inline constexpr std::size_t max_reasons = 64;         // lines of reasons that one transfer leaves in the ledger
inline constexpr std::size_t max_reason = 300;         // characters of one of them, and of an outcome
inline constexpr ByteCount max_floors_text = 1 << 20;  // thousands of lineages

// Indexes: no data without an end
inline constexpr ByteCount max_release = 4 * mib;     // InRelease and Release; Debian's are about 150 KiB
inline constexpr ByteCount max_signature = 64 * kib;  // detached signatures
inline constexpr ByteCount max_package_signature =
    16 * kib;  // as pacman has it; kept beside its package, and given to peers
inline constexpr ByteCount max_roots_in_memory = 48 * mib;  // of those that are on their way, beside
inline constexpr ByteCount spared_root = 1 * mib;           // so much of each
inline constexpr ByteCount max_arriving = 24 * mib;    // that wait to be written, of all large files together, beside
inline constexpr ByteCount spared_arriving = 1 * mib;  // so much of each; beyond it the disk slows who brings more
inline constexpr ByteCount max_database = 128 * mib;   // pacman's own bound for a .db
inline constexpr ByteCount max_unsigned_database =
    32 * mib;  // of one that nobody signed, in memory; Arch's extra is 8 MiB,
inline constexpr std::size_t max_unsigned_entries = 100'000;  // of some 15,000 packages
inline constexpr ByteCount max_packages_text = 512 * mib;     // one uncompressed Packages; Debian main is about 45 MiB
inline constexpr std::size_t max_index_entries = 1'000'000;
inline constexpr std::size_t max_named_left_out = 5;  // odd entries of one index that messages name; all are counted
inline constexpr std::size_t max_release_files = 200'000;  // lines of hashes in one Release
inline constexpr ByteCount max_release_line = 16 * kib;    // gpg itself cuts clearsigned lines a little above
inline constexpr std::size_t max_release_fields = 256;
inline constexpr std::size_t max_tar_members = 4'000'000;  // of one pacman database: folder, desc, depends, files
inline constexpr ByteCount max_pkginfo_search = 64 * mib;  // unpacked bytes of a package in front of its .PKGINFO
inline constexpr ByteCount max_stanza = 1 * mib;           // one package's paragraph
inline constexpr int max_decompression_ratio = 200;        // text may be this many times its compressed size (+ 1 MiB)

// Keyrings and gpg
inline constexpr ByteCount max_keyring_file = 64 * mib;      // Arch's is about 2 MiB
inline constexpr std::size_t max_keyring_files = 1024;       // of one folder
inline constexpr ByteCount max_dpkg_status = 64 * mib;       // a desktop's is about 5 MiB
inline constexpr std::size_t max_keyrings = 32;              // prepared keyrings kept
inline constexpr auto gpg_deadline = 30s;                    // one run of gpg; large files get more
inline constexpr ByteCount gpg_bytes_per_second = 20 * mib;  // slowest hashing we wait for

// Artifacts
inline constexpr ByteCount max_artifact = 16 * gib;
inline constexpr ByteCount small_artifact = 1 * mib;     // at most this: whole, from one source at a time
inline constexpr std::size_t max_remains = 16;           // unfinished large artifacts kept for the next who asks,
inline constexpr ByteCount max_remains_bytes = 4 * gib;  // with room for all that they lack,
inline constexpr auto remains_kept = 24h;                // for so long, over a restart too,
inline constexpr ByteCount max_remains_note = 1 * mib;   // with a note of who gave what

// Hashing of what an earlier start stored
inline constexpr ByteCount proof_step = 4 * mib;  // some 5 ms of a worker: others have their turn in between
inline constexpr std::size_t max_proofs = 8;      // hashed side by side; the others wait without a descriptor
inline constexpr ByteCount scrub_step = 1 * mib;  // read at once by the scrub, which then rests

// A bundle that was carried here by hand
inline constexpr ByteCount max_parcel_manifest = 64 * mib;     // text
inline constexpr std::size_t max_parcel_files = 200'000;       // that it names: all of a distribution, and more
inline constexpr std::size_t max_parcel_repositories = 256;    // likewise
inline constexpr std::size_t max_carried_section = 16 * 1024;  // text of one repository without its files
inline constexpr std::size_t max_rows_of_stored = 2'000;       // in one answer of what is stored,
inline constexpr std::size_t max_text_of_stored = 512 * 1024;  // and their text

// A package manager's transaction, known ahead
inline constexpr std::size_t max_pacman_command =
    128 * 1024;  // bytes of a command line: what the kernel takes of one argument
inline constexpr std::size_t max_pacman_targets = 2'000;     // names on it
inline constexpr std::size_t max_printed_packages = 20'000;  // more than any distribution installs
inline constexpr ByteCount max_printed = 16 * mib;           // their text
inline constexpr auto print_deadline = 10s;                  // for pacman to print it
inline constexpr auto simulation_deadline = 60s;             // for apt or pacman to tell what an upgrade would fetch
inline constexpr std::size_t max_prefetch = 200;             // wanted at once: apt's longest pipeline

// HTTP towards mirrors
inline constexpr int max_redirects = 10;      // pacman's number
inline constexpr auto connect_timeout = 10s;  // pacman's number
inline constexpr auto stall_timeout = 10s;    // no byte for this long: the source is dropped for the artifact
inline constexpr std::size_t max_answer_head = 64 * 1024;  // all header lines of one answer
inline constexpr ByteCount max_drained = 64 * kib;         // unwanted rest of a body read only to keep its connection
inline constexpr auto drain_timeout = 2s;                  // and for no longer than this
inline constexpr ByteCount max_unread = 16 * mib;  // received, not yet taken by the loop: transfers pause beyond it

// What a repository is
inline constexpr auto mirror_lag = 24h;              // a mirror is behind its archive for no longer
inline constexpr std::size_t max_sightings = 16;     // roots that one address showed, remembered over restarts,
inline constexpr std::size_t max_sighted = 2'048;    // of so many addresses
inline constexpr std::size_t max_roots_on_show = 8;  // products of one lineage in one hello

// Peer channel
inline constexpr ByteCount max_peer_message = 512 * kib;
inline constexpr std::size_t max_ask = 512;             // digests in one ask
inline constexpr ByteCount max_data_block = 128 * kib;  // payload of one data message
inline constexpr std::size_t max_peer_gets = 64;        // open gets of one peer
inline constexpr std::size_t max_lineages = 64;         // lineages in one hello
inline constexpr auto peer_get_timeout = 10s;
inline constexpr std::size_t max_peer_asks = 16;          // asks of one peer that are not answered yet
inline constexpr std::size_t max_standing_asks = 8'192;   // digests of one peer's asks that it is told news of
inline constexpr std::size_t max_all_asked = 131'072;     // digests of all peers' asks that wait for their answer,
inline constexpr std::size_t max_spared_asked = 512;      // beside so many of each;
inline constexpr std::size_t max_all_standing = 262'144;  // and of those that news is told of,
inline constexpr std::size_t max_spared_standing = 128;   // beside so many of each
inline constexpr double ask_burst = 131'072;            // digests one peer may ask for at once: all of Debian's, twice
inline constexpr double asks_per_second = 8'192;        // and steadily; we ask for at most half of both
inline constexpr std::size_t max_hellos = 32;           // one peer's hellos at once; one more each second
inline constexpr std::size_t max_tell = 64 * 1024;      // bytes of one tell, unless a single answer is longer
inline constexpr ByteCount max_peer_queue = 1 * mib;    // bytes of ours on the way to one peer
inline constexpr ByteCount max_all_buffers = 64 * mib;  // of all connections: what is not finished, or not taken
inline constexpr std::size_t max_agent_name = 64;
inline constexpr int max_lineage_dials = 200;            // connections that we dial in one rendezvous swarm
inline constexpr int max_address_links = 16;             // of one rendezvous swarm, with one address
inline constexpr std::size_t max_seeded_torrents = 256;  // canonical torrents loaded because somebody asked

// Connections that came in from peers
inline constexpr std::size_t max_torrent_strangers = 200;   // in one rendezvous swarm or torrent,
inline constexpr std::size_t max_strangers = 1'000;         // and over all of them;
inline constexpr std::size_t max_torrent_neighbours = 100;  // of the local network, beside them,
inline constexpr std::size_t max_neighbours = 400;          // and over all
inline constexpr auto seat_spared = 60s;             // where nobody holds too many, who was idle for less keeps its own
inline constexpr int max_torrent_connections = 600;  // above the three: libtorrent itself turns nobody away
inline constexpr int max_connections = 4'000;
inline constexpr std::size_t max_unknown_connections = 500;  // that have not named a torrent yet: beyond it, who has
inline constexpr auto max_unknown_wait = 10s;                // most is kept out; libtorrent itself waits for so long
inline constexpr auto kept_out = 60s;                        // for so long
inline constexpr std::size_t max_bans = 4096;
inline constexpr std::size_t max_counted_networks = 4096;  // whose part of what is given is known
inline constexpr auto max_hello_wait = 10s;                // a connection that has not said hello by then is no agent

// Discovery
inline constexpr ByteCount max_dht_state = 64 * kib;    // the file; a node takes 9 bytes, or 21
inline constexpr std::size_t max_dht_nodes = 1024;      // of them, remembered over a restart
inline constexpr ByteCount max_node_file = 64 * kib;    // of the package,
inline constexpr std::size_t max_public_nodes = 64;     // and the nodes that it may name
inline constexpr std::size_t max_named_peers = 16'384;  // endpoints that the DHT named for one swarm within an hour
inline constexpr std::size_t max_acquaintances = 512;   // peers remembered over a restart,
inline constexpr std::size_t max_lineage_acquaintances = 64;  // of one lineage,
inline constexpr std::size_t max_lasting_acquaintances = 8;   // of these for good, the last met,
inline constexpr std::size_t max_first_dials = 32;            // and dialled when the agent starts
inline constexpr std::size_t max_trackers = 16;

// Endpoints that others name (PEX, local discovery, the DHT, trackers)
inline constexpr double dial_burst = 32;                  // dialled at once, for a quick start,
inline constexpr double dials_per_second = 4;             // and steadily, over all swarms
inline constexpr int max_dials = 2;                       // of one endpoint, unless it answers
inline constexpr std::size_t max_address_dials = 4;       // ports of one address in one swarm: agents behind one NAT,
inline constexpr auto dials_remembered = 5min;            // within so long
inline constexpr std::size_t max_candidates = 1024;       // that wait for their turn,
inline constexpr std::size_t max_namer_candidates = 128;  // of those, named by one
inline constexpr int max_punches = 3;                     // over uTP to one endpoint within dials_remembered,
inline constexpr double punch_burst = 16;                 // at once over all swarms,
inline constexpr double punches_per_second = 0.5;         // and steadily,
inline constexpr std::size_t max_waiting_punches = 32;    // and waiting for their turn
inline constexpr double introduction_burst = 8;           // that one peer may ask for or make at once,
inline constexpr double introductions_per_second = 0.2;   // and steadily

// Local doors
inline constexpr ByteCount max_apt_message = 16 * mib;  // apt's whole configuration travels in one
inline constexpr std::size_t max_control_line = 1 << 20;
inline constexpr ByteCount max_control_input = 16 * mib;  // lines of all clients that are not whole yet
inline constexpr std::size_t max_json_nesting = 16;
inline constexpr std::size_t max_control_clients = 128;
inline constexpr std::size_t max_control_clients_per_user = 48;  // one user cannot lock the others out
inline constexpr std::size_t max_control_gets = 256;             // gets in hand of one client
inline constexpr std::size_t max_control_queries = 16;           // queries in hand of one client
inline constexpr std::size_t max_control_files = 64;             // descriptors received and not yet claimed by a line
inline constexpr ByteCount max_control_output = 256 * kib;  // waiting for a slow reader: its commands wait beyond it
inline constexpr int max_bad_lines = 8;                     // then the connection closes
inline constexpr auto control_write_stall = 60s;            // a client that takes nothing for this long is closed
inline constexpr std::size_t max_http_head = 16 * 1024;
inline constexpr std::size_t max_gateway_clients = 256;
inline constexpr std::size_t max_http_pipeline = 8;     // requests of one connection in hand at once; apt sends 10
inline constexpr auto http_head_timeout = 15s;          // from a head's first byte to its last
inline constexpr auto http_idle_timeout = 60s;          // between requests of one connection
inline constexpr auto http_write_stall = 60s;           // a client that takes nothing for this long is closed
inline constexpr auto http_answer_timeout = 120s;       // no news of a file for this long: 504
inline constexpr std::size_t max_open_requests = 4096;  // requests the broker has in hand,
inline constexpr std::size_t max_open_requests_per_user = 1024;  // of these, of one user or address;
inline constexpr std::size_t spared_requests = 64;  // who has no more gets another one even when all are taken
inline constexpr std::size_t max_plain_fetches_per_user = 32;  // of what no index lists, at once: the others wait

}  // namespace packswarm::limits
