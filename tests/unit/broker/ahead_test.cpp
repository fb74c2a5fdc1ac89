#include "p2p/broker/ahead.hpp"

#include "p2p/base/limits.hpp"
#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::broker {
namespace {

using core::PrintedPackage;

// A pacman repository whose database is accepted; mirrors are made up, everything else is real.
class AheadTest : public test::BookFixture {
  protected:
    void SetUp() override {
        BookFixture::SetUp();
        core::Repository repository;
        repository.id = "pacman:lab:x86_64";
        repository.suite = "lab";
        repository.format = core::Format::pacman;
        repository.architectures = {"x86_64"};
        repository.bases = {"http://lab"};
        use({repository});
    }
    // The newest database lists these: file -> content.
    void list(const std::map<std::string, std::string>& files, bool with_signatures = true) {
        std::vector<core::IndexEntry> entries;
        for (const auto& [file, content] : files) {
            core::IndexEntry entry;
            entry.path = file;
            entry.name = file.substr(0, file.find('-'));
            entry.version = "1-1";
            entry.size = static_cast<ByteCount>(content.size());
            entry.digest = digest_of(content);
            if (with_signatures) entry.signature = "signature";
            entries.push_back(std::move(entry));
            mirrors_.files["/" + file] = content;
            mirrors_.files["/" + file + ".sig"] = "signature of " + file;
        }
        auto catalog = book().catalog();
        catalog.set("pacman:lab:x86_64", "lab.db", entries);
        book().set_catalog_for_tests(std::move(catalog));
    }
    std::string file(int number) const { return "p" + std::to_string(number) + "-1-1-any.pkg.tar.zst"; }
};

}  // namespace
}  // namespace packswarm::broker
