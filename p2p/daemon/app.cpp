#include "p2p/daemon/app.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <thread>

#include "formats/format.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"
#include "p2p/base/version.hpp"
#include "p2p/broker/broker.hpp"
#include "p2p/control/control_server.hpp"
#include "p2p/daemon/asio_loop.hpp"
#include "p2p/daemon/kept_lists.hpp"
#include "p2p/daemon/loop_watch.hpp"
#include "p2p/daemon/no_peers.hpp"
#include "p2p/daemon/notify.hpp"
#include "p2p/daemon/option.hpp"
#include "p2p/daemon/owner.hpp"
#include "p2p/daemon/pacman_prefetch.hpp"
#include "p2p/daemon/repositories.hpp"
#include "p2p/daemon/sharing_watch.hpp"
#include "p2p/daemon/sources_watch.hpp"
#include "p2p/daemon/surroundings.hpp"
#include "p2p/daemon/trust.hpp"
#include "p2p/daemon/upgrade_prefetch.hpp"
#include "p2p/gateway/gateway.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/vault.hpp"
#include "p2p/swarm/discovery/node_file.hpp"
#include "p2p/swarm/swarm.hpp"
#include "p2p/web/mirror_client.hpp"

namespace packswarm::daemon {

namespace {

constexpr auto end_patience = Millis(1500);  // of the two seconds that packswarmd(8) promises

// Those that came with this program; it runs without them too.
std::vector<std::string> public_nodes() {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto file = self.parent_path().parent_path() / "share/packswarm/dht-nodes";
    auto nodes = swarm::read_nodes(file);
    if (nodes) return std::move(*nodes);
    spdlog::warn("no public nodes of the DHT: {}", nodes.error().message);
    return {};
}

}  // namespace

struct App::Parts {
    Config config;
    Reload reload;
    MemorySum memory{limits::max_foreign_memory};  // what strangers make us keep
    boost::asio::io_context io{1};
    AsioLoop loop{io};                      // the one thread that owns all state below
    WorkerPool workers{loop};               // two threads: hashing, signatures, index parsing, disk flushes
    TrustDesk trust{workers};               // signatures and digests (verify)
    std::unique_ptr<store::Ledger> ledger;  // floors, mirror health, peers met, history (SQLite)
    std::unique_ptr<store::Vault> vault;    // files by digest, within the quota
    std::shared_ptr<web::ProxiedHosts> proxied = std::make_shared<web::ProxiedHosts>();
    std::unique_ptr<web::MirrorClient> mirrors;         // mirrors over HTTP(S), a thread of its own (libcurl)
    std::unique_ptr<swarm::Swarm> swarm;                // other agents, a thread of its own (libtorrent)
    NoPeers no_peers;                                   // in its place when the owner wants none
    KeptLists apt_lists{""};                            // the package lists that apt keeps
    std::unique_ptr<broker::Broker> broker;             // the conductor
    std::unique_ptr<SourcesWatch> sources;              // whether the package managers' sources change
    std::unique_ptr<PacmanPrefetch> pacman_prefetch;    // the whole of a pacman's transaction, known at its start
    std::unique_ptr<SharingWatch> sharing;              // whom the owner's limits let us give to, and what was given
    std::unique_ptr<UpgradePrefetch> upgrade_prefetch;  // upgrades, before anybody asks for them
    std::unique_ptr<LoopWatch> watch;                   // how late the loop is
    std::unique_ptr<Owner> owner;                       // answers to the owner
    std::unique_ptr<control::ControlServer> control;    // unix socket: apt's method, packswarm
    std::unique_ptr<gateway::Gateway> gateway;          // HTTP on loopback: pacman, proxies
    boost::asio::signal_set signals{io, SIGTERM, SIGINT, SIGHUP};
    std::string gateway_listens, swarm_listens;
    std::vector<Task> learnt;     // told once the sources that are being read are taken
    std::uint64_t gathering = 0;  // the last round of reading them

    Result<void> open_store();
    Result<void> open_sources();
    Result<void> open_swarm();
    Result<void> open_doors();
    void use_lists();
    void use_prefetch();
    void read_keyrings(const core::RepositoryTable& table);
    void gather(std::function<void(Repositories)> then);
    void take(const Repositories& gathered);
    void learn(Task learned);
    void relearn();
    void wait_for_signal();
    void apply(Config fresh);
    broker::Peers& peers() { return swarm ? static_cast<broker::Peers&>(*swarm) : no_peers; }
};

Result<void> App::Parts::open_store() {
    store::LedgerSettings ledger_settings;
    ledger_settings.folder = config.store.folder;
    ledger_settings.workers = &workers;
    auto opened_ledger = store::Ledger::open(ledger_settings);
    if (!opened_ledger) return tl::unexpected(opened_ledger.error());
    ledger = std::move(*opened_ledger);
    auto opened_vault = store::Vault::open(config.store, loop, workers);
    if (!opened_vault) return tl::unexpected(opened_vault.error());
    vault = std::move(*opened_vault);
    return {};
}

Result<void> App::Parts::open_sources() {
    auto http = config.web;
    http.proxied = proxied;
    http.formats = formats::all();
    mirrors = std::make_unique<web::MirrorClient>(loop, std::move(http));
    return config.has_swarm ? open_swarm() : Result<void>{};
}

Result<void> App::Parts::open_swarm() {
    const auto listen = parse_endpoint(config.listening.swarm);
    if (!listen) return tl::unexpected(listen.error());
    auto settings = config.swarm;
    settings.listen_address = listen->address == "0.0.0.0" ? "" : listen->address;
    settings.port = listen->port;
    settings.agent = "packswarm/" + std::string(program_version);
    if (settings.lan_networks.empty()) settings.lan_networks = swarm::SwarmSettings::default_lan_networks();
    if (settings.internet != swarm::Internet::off) settings.public_nodes = public_nodes();
    settings.workers = &workers;
    settings.memory = &memory;
    settings.dht_state_file = vault->folder() / "dht.state";
    if (auto ours = check_own_file(settings.dht_state_file); !ours) {  // the DHT can do without what it remembered
        const auto aside = set_aside(settings.dht_state_file);
        if (!aside) return tl::unexpected(aside.error());
        spdlog::error("{}: it is now {}", ours.error().message, aside->filename().string());
    }
    auto reader = vault->reader();
    if (!reader) return tl::unexpected(reader.error());
    auto opened = swarm::Swarm::open(loop, std::move(settings), std::move(*reader), ledger.get());
    if (!opened) return tl::unexpected(opened.error());
    swarm = std::move(*opened);
    swarm_listens = listen->address + ":" + std::to_string(swarm->port());
    return {};
}

Result<void> App::Parts::open_doors() {
    if (!config.listening.gateway.empty()) {
        const auto listen = parse_endpoint(config.listening.gateway);
        if (!listen) return tl::unexpected(listen.error());
        auto settings = config.gateway;
        settings.address = listen->address;
        settings.port = listen->port;
        settings.formats = formats::all();
        auto opened = gateway::Gateway::open(io, *broker, std::move(settings));
        if (!opened) return tl::unexpected(opened.error());
        gateway = std::move(*opened);
        gateway_listens = listen->address + ":" + std::to_string(gateway->port());
    }
    owner =
        std::make_unique<Owner>(AgentView{loop, workers, config, *broker, peers(), swarm.get(), *vault, *ledger, trust,
                                          *sharing, *upgrade_prefetch, *watch, gateway_listens, swarm_listens});
    auto door = config.control;
    door.memory = &memory;
    auto opened = control::ControlServer::open(io, *broker, *owner, std::move(door));
    if (!opened) return tl::unexpected(opened.error());
    control = std::move(*opened);
    return {};
}

void App::Parts::use_lists() {
    apt_lists.set_folder(config.sources.apt_lists);
    broker->missing().set_lists(&apt_lists);
    broker->missing().set_budget(config.sources.daily_indexes, [this](const std::string& transaction) {
        return ledger->totals_of(transaction)[broker::SourceKind::mirror].bytes;
    });
}

// What apt and pacman are asked for has folders of its own below ours.
void App::Parts::use_prefetch() {
    UpgradePrefetch::Rules rules{config.prefetch, config.sharing, {}};
    const auto& read_from = config.sources;
    if (read_from.apt)
        rules.managers.apt = AptUpgrade{.folder = vault->folder() / "apt-upgrade",
                                        .apt_dir = read_from.apt_dir,
                                        .dpkg_status = read_from.dpkg_status,
                                        .apt_lists = read_from.apt_lists};
    if (read_from.pacman)
        rules.managers.pacman =
            PacmanUpgrade{.folder = vault->folder() / "pacman-upgrade", .pacman_conf = read_from.pacman_conf};
    upgrade_prefetch->set_rules(std::move(rules));
}

// Reading a keyring takes gpg some 50 ms, and nobody is met before: they are read beside the public ones, and the desk
// remembers them.
void App::Parts::read_keyrings(const core::RepositoryTable& table) {
    std::vector<core::KeyringSpec> seen;
    for (const auto& repository : table.all()) {
        if (std::find(seen.begin(), seen.end(), repository.keyring) != seen.end()) continue;
        seen.push_back(repository.keyring);
        trust.keyring_fingerprints(repository.keyring, [](const Result<std::vector<core::Fingerprint>>&) {});
    }
}

// apt-config is run, and files of others are read, which may lie where reading waits: away from the loop.
void App::Parts::gather(std::function<void(Repositories)> then) {
    workers.run([this, round = ++gathering, config = config, then = std::move(then)]() -> Task {
        return [this, round, gathered = gather_repositories(config), then] {
            if (round != gathering) return spdlog::debug("the sources are read once more");
            sources->watch(gathered.folders);
            proxied->set(gathered.proxies);
            then(gathered);
        };
    });
}

void App::Parts::learn(Task learned) {
    learnt.push_back(std::move(learned));
    gather([this](const Repositories& gathered) { take(gathered); });
}

// What apt and pacman are told to use was changed on disk: whoever comes next is served by what stands there now.
void App::Parts::relearn() {
    gather([this](const Repositories& gathered) {
        if (learnt.empty() && description_of(gathered.table) == description_of(broker->book().table())) return;
        if (learnt.empty()) spdlog::info("the sources were changed");
        take(gathered);
    });
}

// The distributions' keys first: they decide what is public. Then the repositories, then what the store kept of them.
void App::Parts::take(const Repositories& gathered) {
    core::KeyringSpec spec;
    for (const auto& file : config.publics.keyrings)
        if (::access(file.c_str(), R_OK) == 0) spec.files.push_back(file);
    const auto then = [this, gathered](Result<std::vector<core::Fingerprint>> keys) {
        if (!keys) spdlog::warn("the public keyrings cannot be read: {}", keys.error().message);
        auto& book = broker->book();
        const auto known = keys.value_or(std::vector<core::Fingerprint>{});
        const auto& unsigned_ones = config.publics.unsigned_repositories;
        book.set_public({known.begin(), known.end()}, {unsigned_ones.begin(), unsigned_ones.end()});
        for (const auto& warning : gathered.warnings) spdlog::warn("{}", warning);
        spdlog::info("{} repositories are known", gathered.table.all().size());
        book.set_repositories(gathered.table);
        book.restore();
        broker->forget_absences();
        for (const auto& one : std::exchange(learnt, {})) one();
    };
    if (spec.files.empty()) return then(std::vector<core::Fingerprint>{});
    trust.keyring_fingerprints(std::move(spec), then);
    read_keyrings(gathered.table);
}

void App::Parts::apply(Config fresh) {
    if (const auto kept = keep_until_restart(config, fresh); !kept.empty()) {
        std::string names;
        for (const auto& name : kept) names += (names.empty() ? "" : ", ") + name;
        spdlog::warn("what was changed of {} needs a restart: until then it stays as it was", names);
    }
    config = std::move(fresh);
    spdlog::set_level(spdlog::level::from_str(config.log_level));
    vault->set_limits(config.store.quota, config.store.reserve);
    broker->set_scrub(config.scrub);
    pacman_prefetch->set_enabled(config.pacman.enabled);
    use_lists();
    if (swarm) {
        swarm->set_upload_limit(config.swarm.upload_limit);
        if (auto set = swarm->set_static_peers(config.swarm.static_peers); !set)
            spdlog::error("swarm.peers stays as it was: {}", set.error().message);
    }
    sharing->set_rules(config.sharing);
    use_prefetch();
    learn([] { notify("READY=1"); });
}

namespace {

// A disk or a program that does not answer cannot be told to end. What has to be kept is written before the workers are
// waited for, and what lies on disk is whole at any moment.
void end_in_time() {
    std::thread([] {
        std::this_thread::sleep_for(end_patience);
        spdlog::warn("something does not end by itself: it is left behind");
        ::_exit(0);
    }).detach();
}

}  // namespace

void App::Parts::wait_for_signal() {
    signals.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) return;
        if (signal != SIGHUP) {
            spdlog::info("ending on signal {}", signal);
            notify("STOPPING=1");
            workers.stop();
            end_in_time();
            io.stop();
            return;
        }
        notify("RELOADING=1");
        if (auto fresh = reload(); fresh) {
            apply(*fresh);
        } else {
            spdlog::error("the configuration stays as it was: {}", fresh.error().message);
            notify("READY=1");  // or systemd waits for the end of the reload
        }
        wait_for_signal();
    });
}

App::App() : parts_(std::make_unique<Parts>()) {}
App::~App() {
    // Doors first, then the broker, then what it stands on: nobody hears from a part that is gone.
    parts_->gateway.reset();
    parts_->control.reset();
    parts_->owner.reset();
    parts_->watch.reset();
    parts_->sources.reset();
    parts_->sharing.reset();
    parts_->upgrade_prefetch.reset();
    parts_->pacman_prefetch.reset();
    parts_->broker.reset();
    parts_->swarm.reset();
    parts_->mirrors.reset();
    parts_->vault.reset();
    parts_->ledger.reset();
}

Result<std::unique_ptr<App>> App::build(Config config, Reload reload) {
    auto app = std::unique_ptr<App>(new App);
    auto& parts = *app->parts_;
    parts.config = std::move(config);
    parts.reload = std::move(reload);
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {  // each peer, mirror, client and open package takes one
        files.rlim_cur = std::min<rlim_t>(files.rlim_max, 65536);
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    if (auto done = parts.open_store(); !done) return tl::unexpected(done.error());
    if (auto done = parts.open_sources(); !done) return tl::unexpected(done.error());
    auto settings = parts.config.broker;
    settings.formats = formats::all();
    if (!parts.swarm) settings.peer_grace = Millis(0);
    settings.memory = &parts.memory;
    parts.broker = std::make_unique<broker::Broker>(parts.loop, *parts.mirrors, parts.peers(), *parts.vault,
                                                    *parts.ledger, parts.trust, settings);
    parts.sources = std::make_unique<SourcesWatch>(parts.io, parts.loop, [raw = &parts] { raw->relearn(); });
    parts.use_lists();
    parts.vault->set_current(
        [broker = parts.broker.get()](const Digest& digest) { return broker->book().is_current(digest); });
    parts.pacman_prefetch =
        std::make_unique<PacmanPrefetch>(parts.io, parts.loop, parts.workers, *parts.broker, parts.config.pacman);
    parts.sharing =
        std::make_unique<SharingWatch>(parts.loop, parts.broker->book(), parts.peers(), *parts.ledger, look_around);
    parts.sharing->set_rules(parts.config.sharing);
    parts.upgrade_prefetch = std::make_unique<UpgradePrefetch>(
        UpgradePrefetch::World{{parts.io, parts.loop, parts.workers, *parts.broker, *parts.vault}, *parts.ledger, [] {
                                   return UpgradePrefetch::Look{look_around(), look_at_machine()};
                               }});
    parts.use_prefetch();
    // The doors open when the repositories are known: who comes a moment earlier would be told that there are none.
    bool learned = false;
    const auto waiting = boost::asio::make_work_guard(parts.io);
    parts.learn([&learned] { learned = true; });
    parts.wait_for_signal();
    while (!learned && !parts.io.stopped()) parts.io.run_one();
    if (parts.io.stopped()) return app;
    parts.watch = std::make_unique<LoopWatch>(parts.loop);
    if (auto done = parts.open_doors(); !done) return tl::unexpected(done.error());
    parts.broker->set_scrub(parts.config.scrub);
    return app;
}

int App::run() {
    if (!parts_->io.stopped()) notify("READY=1");
    parts_->loop.run();
    return 0;
}

}  // namespace packswarm::daemon
