// curl and pacman against the gateway.
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/component/gateway/gateway_fixture.hpp"

namespace packswarm::gateway {
namespace {

int run(const std::string& command) {
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class RealPrograms : public GatewayTest {
  protected:
    RealPrograms() {
        char name[] = "/tmp/packswarm-gateway-XXXXXX";
        folder = ::mkdtemp(name);
        address = "http://127.0.0.1:" + std::to_string(port);
    }
    ~RealPrograms() override { std::filesystem::remove_all(folder); }
    std::string folder, address;
};

TEST_F(RealPrograms, CurlFetchesResumesAndRevalidates) {
    std::string content;
    for (int i = 0; i < 300'000; ++i) content += std::to_string(i) + '\n';
    has("core.db", content, some_day);
    const std::string out = folder + "/core.db", curl = "curl -sfR -o " + out + " ", url = address + core + "core.db";
    EXPECT_EQ(run(curl + url), 0);
    EXPECT_EQ(text_of(out), content);
    std::filesystem::resize_file(out, 1000);
    EXPECT_EQ(run(curl + "-C - " + url), 0);
    EXPECT_EQ(text_of(out), content);
    EXPECT_EQ(run("test \"$(curl -s -o /dev/null -w '%{http_code}' -z " + out + " " + url + ")\" = 304"), 0);
    EXPECT_EQ(
        run("curl -sf -x " + address + " -o " + out + " http://127.0.0.1:" + std::to_string(port) + core + "core.db"),
        0);
    EXPECT_EQ(run("test \"$(curl -s -x " + address + " -w '%{http_connect}' https://deb.example/)\" = 405"), 0);
    EXPECT_EQ(
        run("test \"$(curl -s -o /dev/null -o /dev/null -w '%{num_connects} ' -I " + url + " " + url + ")\" = '1 0 '"),
        0);
}

// A package that pacman accepts, its database, and both in the hands of the scripted broker.
class PacmanProgram : public RealPrograms {
  protected:
    void make_repository() {
        const std::string script = "cd " + folder +
                                   " && mkdir -p pkg/usr/share/x system/var/lib/pacman cache && "
                                   "head -c 1500000 /dev/urandom > pkg/usr/share/x/data && "
                                   "printf 'pkgname = x\\npkgver = 1:1.0+b-1\\narch = any\\nsize = 1500000\\npkgdesc = "
                                   "x\\nurl = x\\nbuilddate = 1700000000\\n"
                                   "packager = x\\nlicense = x\\n' > pkg/.PKGINFO && "
                                   "tar --force-local --zstd -C pkg -cf 'x-1:1.0+b-1-any.pkg.tar.zst' .PKGINFO usr && "
                                   "repo-add -q core.db.tar.gz 'x-1:1.0+b-1-any.pkg.tar.zst' >/dev/null 2>&1";
        ASSERT_EQ(run(script), 0);
        package = text_of(folder + "/" + name);
        ASSERT_FALSE(package.empty());
        has("core.db", text_of(folder + "/core.db.tar.gz"), some_day);
        std::ofstream(folder + "/pacman.conf")
            << "[options]\nArchitecture = x86_64\nSigLevel = Never\nParallelDownloads = 5\n"
            << "[core]\nServer = " << address << "/$repo/os/$arch\n";
    }
    // instance: "" or "2", which has a root and a cache of its own
    int pacman(const std::string& arguments, const std::string& instance = "") {
        const std::string root = folder + "/system" + instance;
        return run("pacman --noconfirm --config " + folder + "/pacman.conf --root " + root + " --dbpath " + root +
                   "/var/lib/pacman --cachedir " + folder + "/cache" + instance + " " + arguments + " >" + folder +
                   "/log" + instance + " 2>&1");
    }
    const std::string name = "x-1:1.0+b-1-any.pkg.tar.zst";
    std::string package;
};

TEST_F(PacmanProgram, SyncsAndDownloads) {
    ASSERT_NO_FATAL_FAILURE(make_repository());
    has(name, package, some_day);
    has(name + ".sig", "signature");
    EXPECT_EQ(pacman("-Sy"), 0) << text_of(folder + "/log");
    EXPECT_EQ(pacman("-Sy"), 0);
    EXPECT_EQ(pacman("-Sw x"), 0) << text_of(folder + "/log");
    EXPECT_EQ(text_of(folder + "/cache/" + name), package);
}

// Two at once: one is fed safe bytes, the other, beginning later, gets none. When the second gives up, the first is
// still there.
TEST_F(PacmanProgram, StaysWithASlowFileAsLongAsSafeBytesLast) {
    ASSERT_NO_FATAL_FAILURE(make_repository());
    has(name + ".sig", "signature");
    ASSERT_EQ(pacman("-Sy"), 0);
    ASSERT_EQ(run("cp -r " + folder + "/system " + folder + "/system2 && mkdir " + folder + "/cache2"), 0);
    int fed_status = -1;
    std::jthread fed([&] { fed_status = pacman("-Sw x"); });
    const auto id = wait_for(name);
    start(id, package, static_cast<ByteCount>(package.size()), 4096);
    std::jthread hungry([&] { EXPECT_NE(pacman("-Sw x", "2"), 0); });
    EXPECT_TRUE(loop.until([&] { return requests.cancelled.size() == 1; }, 30s));
    ASSERT_TRUE(loop.run([&] { return requests.open.contains(id); })) << "pacman gave up";
    hungry.join();
    loop.run([&] { requests.deliver(id, file_with(package), static_cast<ByteCount>(package.size())); });
    fed.join();
    EXPECT_EQ(fed_status, 0) << text_of(folder + "/log");
    EXPECT_EQ(text_of(folder + "/cache/" + name), package);
}

}  // namespace
}  // namespace packswarm::gateway
