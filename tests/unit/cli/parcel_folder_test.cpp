#include "p2p/cli/parcel_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "p2p/base/limits.hpp"

namespace packswarm::cli {
namespace {

namespace fs = std::filesystem;

class ParcelFolderTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "packswarm-parcel-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
        fs::create_directory(stick());
    }
    void TearDown() override { fs::remove_all(root_); }

    fs::path stick() const { return root_ / "stick"; }
    fs::path place(const core::ParcelFile& file) const { return stick() / core::place_in_parcel(file.digest); }
    ParcelFolder folder() const { return std::move(*ParcelFolder::open(stick())); }
    FileHandle source(const std::string& content) const {
        std::ofstream(root_ / "source") << content;
        return std::move(*open_for_reading(root_ / "source"));
    }
    static core::ParcelFile file(ByteCount size) { return {*Digest::parse(std::string(64, 'a')), size, "pool/a.deb"}; }
    static std::string text_of(const fs::path& path) { return read_text(path, limits::mib).value_or("nothing"); }

    fs::path root_;
};

TEST_F(ParcelFolderTest, HoldsWhatWasAddedUnderItsDigest) {
    auto there = folder();
    const auto wanted = file(5);
    EXPECT_FALSE(there.has(wanted));
    ByteCount seen = 0;
    ASSERT_TRUE(there.add(wanted, source("hello"), [&](ByteCount more) { seen += more; }));
    EXPECT_EQ(seen, 5);
    EXPECT_TRUE(there.has(wanted));
    EXPECT_FALSE(there.has(file(6))) << "of another size it is another file";
    EXPECT_EQ(text_of(place(wanted)), "hello");
    const core::Parcel parcel{{{"debian", "stable", {}, wanted, {}, {}}}};
    EXPECT_EQ(there.manifest().error().kind, ErrorKind::Absent);
    ASSERT_TRUE(there.write_manifest(parcel));
    EXPECT_EQ(*there.manifest(), parcel);
    for (const auto& entry : fs::recursive_directory_iterator(stick()))
        EXPECT_NE(entry.path().extension(), ".part") << entry.path();
}

TEST_F(ParcelFolderTest, LeavesNothingUnderAFinalNameWhenASourceIsTooShort) {
    auto there = folder();
    EXPECT_FALSE(there.add(file(50), source("hello"), {}));
    EXPECT_FALSE(fs::exists(place(file(50))));
    EXPECT_FALSE(fs::exists(place(file(50)).string() + ".part"));
}

TEST_F(ParcelFolderTest, GoesOnAfterAnInterruptedRun) {
    auto there = folder();
    fs::create_directories(place(file(5)).parent_path());
    std::ofstream(place(file(5)).string() + ".part") << "half of what was";
    ASSERT_TRUE(there.add(file(5), source("hello"), {}));
    EXPECT_EQ(text_of(place(file(5))), "hello");
}

TEST_F(ParcelFolderTest, ReadsNeitherLinksNorPipesNorFolders) {
    auto there = folder();
    const auto wanted = file(5);
    fs::create_directories(place(wanted).parent_path());
    std::ofstream(root_ / "other") << "hello";
    fs::create_symlink(root_ / "other", place(wanted));
    EXPECT_EQ(there.open_file(wanted).error().kind, ErrorKind::Refused);
    fs::remove(place(wanted));
    ASSERT_EQ(::mkfifo(place(wanted).c_str(), 0600), 0);
    EXPECT_EQ(there.open_file(wanted).error().kind, ErrorKind::Refused);
    fs::remove(place(wanted));
    fs::create_directory(place(wanted));
    EXPECT_EQ(there.open_file(wanted).error().kind, ErrorKind::Refused);
    ASSERT_EQ(::mkfifo((stick() / core::parcel_manifest).c_str(), 0600), 0);
    EXPECT_EQ(there.manifest().error().kind, ErrorKind::Refused);
}

TEST_F(ParcelFolderTest, NeitherReadsNorWritesBehindAFolderThatIsALink) {
    auto there = folder();
    fs::create_directories(root_ / "elsewhere/aa");
    fs::create_symlink(root_ / "elsewhere", stick() / "files");
    std::ofstream(root_ / "elsewhere/aa" / std::string(64, 'a')) << "hello";
    EXPECT_FALSE(there.has(file(5)));
    EXPECT_EQ(there.add(file(5), source("other"), {}).error().kind, ErrorKind::Refused);
    EXPECT_EQ(text_of(root_ / "elsewhere/aa" / std::string(64, 'a')), "hello");
}

TEST_F(ParcelFolderTest, RefusesAManifestWithoutEnd) {
    std::ofstream(stick() / core::parcel_manifest) << "packswarm-bundle 1\n";
    fs::resize_file(stick() / core::parcel_manifest, static_cast<std::uintmax_t>(limits::max_parcel_manifest) + 1);
    EXPECT_EQ(folder().manifest().error().kind, ErrorKind::Refused);
}

TEST_F(ParcelFolderTest, AsksForRoomBeforeAnythingIsWritten) {
    EXPECT_TRUE(folder().expect_room({file(1000)}));
    std::vector<core::ParcelFile> much(1 << 16, file(limits::max_artifact));  // a pebibyte
    const auto room = folder().expect_room(much);
    ASSERT_FALSE(room);
    EXPECT_NE(room.error().message.find("has no room"), std::string::npos) << room.error().message;
    EXPECT_TRUE(fs::is_empty(stick()));
}

TEST_F(ParcelFolderTest, AFolderThatIsNotThereIsNotMade) {
    EXPECT_EQ(ParcelFolder::open(root_ / "none").error().kind, ErrorKind::Absent);
    EXPECT_FALSE(fs::exists(root_ / "none"));
}

}  // namespace
}  // namespace packswarm::cli
