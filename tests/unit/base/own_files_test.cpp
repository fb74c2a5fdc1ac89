#include "p2p/base/own_files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "p2p/base/trusted_file.hpp"

namespace packswarm {
namespace {

namespace fs = std::filesystem;

// own: the agent's folder. other: somebody else's, with one file in it.
class OwnFiles : public ::testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/packswarm-own-XXXXXX";
        root = ::mkdtemp(name);
        own = root / "own";
        other = root / "other";
        precious = other / "precious";
        fs::create_directories(own);
        fs::create_directories(other);
        EXPECT_TRUE(replace_file(precious, as_bytes("precious")));
    }
    void TearDown() override {
        EXPECT_EQ(read_text(precious, 100).value_or("<gone>"), "precious");
        EXPECT_EQ(std::distance(fs::directory_iterator(other), {}), 1)
            << "nothing is made or deleted where a link leads";
        fs::remove_all(root);
    }
    void expect_refused(const Error& error, const fs::path& named, const std::string& word) {
        EXPECT_EQ(error.kind, ErrorKind::Refused);
        EXPECT_TRUE(error.message.starts_with(named.string() + " is ")) << error.message;
        EXPECT_NE(error.message.find(word), std::string::npos) << error.message;
    }

    fs::path root, own, other, precious;
};

TEST_F(OwnFiles, AFolderOfTheOwnersMayBeALinkAndIsNamedAsItReallyIs) {
    fs::create_directory_symlink(own, root / "link");
    EXPECT_EQ(real_folder(root / "link").value(), own);
    EXPECT_EQ(real_folder(root / "link" / "new").value(), own / "new");
    EXPECT_TRUE(fs::is_directory(own / "new"));
}

TEST_F(OwnFiles, NoLinkIsFollowedAtTheEndOrOnTheWay) {
    fs::create_symlink(precious, own / "file");
    fs::create_directory_symlink(other, own / "sub");
    fs::create_symlink(own / "nowhere", own / "dangling");
    for (const int flags : {O_RDONLY, O_RDWR, O_RDWR | O_CREAT, O_WRONLY | O_CREAT | O_EXCL}) {
        expect_refused(open_own_file(own / "file", flags).error(), own / "file", "symbolic link");
        expect_refused(open_own_file(own / "sub" / "precious", flags).error(), own / "sub", "symbolic link");
        expect_refused(open_own_file(own / "dangling", flags).error(), own / "dangling", "symbolic link");
    }
    EXPECT_FALSE(fs::exists(own / "nowhere"));
    expect_refused(check_own_file(own / "file").error(), own / "file", "symbolic link");
    expect_refused(read_own_text(own / "file", 100).error(), own / "file", "symbolic link");
    expect_refused(make_own_folder(own / "sub", 0755).error(), own / "sub", "symbolic link");
    expect_refused(make_own_folder(own / "dangling", 0755).error(), own / "dangling", "symbolic link");
    expect_refused(delete_own(own / "sub" / "precious").error(), own / "sub", "symbolic link");
    ASSERT_TRUE(replace_file(own / "mine", as_bytes("mine")));
    expect_refused(rename_own(own / "mine", own / "sub" / "precious").error(), own / "sub", "symbolic link");
    expect_refused(rename_own(own / "sub" / "precious", own / "mine").error(), own / "sub", "symbolic link");
    EXPECT_FALSE(StagedFile::create(own / "sub" / "new", 10));
    EXPECT_FALSE(StagedFile::reopen(own / "file"));
}

TEST_F(OwnFiles, ALinkIsDeletedAndReplacedItselfNotWhatItLeadsTo) {
    fs::create_symlink(precious, own / "file");
    EXPECT_TRUE(delete_own(own / "file"));
    fs::create_symlink(precious, own / "file");
    ASSERT_TRUE(replace_file(own / "mine", as_bytes("mine")));
    EXPECT_TRUE(rename_own(own / "mine", own / "file"));
    EXPECT_EQ(read_own_text(own / "file", 100).value(), "mine");
}

TEST_F(OwnFiles, AFileWithAnotherNameIsReadAndNotWritten) {
    fs::create_hard_link(precious, own / "file");
    EXPECT_EQ(read_own_text(own / "file", 100).value(), "precious");
    expect_refused(open_own_file(own / "file", O_RDWR).error(), own / "file", "hard link");
    expect_refused(check_own_file(own / "file").error(), own / "file", "hard link");
}

TEST_F(OwnFiles, WhatIsNoFileIsNamedAndNeverWaitedFor) {
    ASSERT_EQ(::mkfifo((own / "pipe").c_str(), 0600), 0);
    fs::create_directories(own / "folder");
    sockaddr_un address{AF_UNIX, {}};
    (own / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
    const FileHandle socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    for (const auto& [name, word] :
         {std::pair("pipe", "named pipe"), std::pair("folder", "folder"), std::pair("socket", "socket")}) {
        for (const int flags : {O_RDONLY, O_RDWR, O_RDWR | O_CREAT})
            expect_refused(open_own_file(own / name, flags).error(), own / name, word);
        expect_refused(check_own_file(own / name).error(), own / name, word);
    }
    expect_refused(make_own_folder(own / "pipe", 0755).error(), own / "pipe", "named pipe");
    expect_refused(open_own_file("/dev/null", O_RDWR).error(), "/dev/null", "device");
    EXPECT_EQ(open_own_file(own / "none", O_RDONLY).error().kind, ErrorKind::Absent);
    EXPECT_TRUE(check_own_file(own / "none"));
    ASSERT_TRUE(replace_file(own / "large", Bytes(101, 'x')));
    EXPECT_EQ(read_own_text(own / "large", 100).error().kind, ErrorKind::Refused);
}

TEST_F(OwnFiles, WhatIsSetAsideGoesUnderANameThatIsFree) {
    fs::create_symlink(precious, own / "file");
    EXPECT_EQ(set_aside(own / "file").value(), own / "file.damaged");
    EXPECT_TRUE(fs::is_symlink(own / "file.damaged"));
    fs::create_directories(own / "file" / "full");
    EXPECT_EQ(set_aside(own / "file").value(), own / "file.damaged.1");
    EXPECT_TRUE(fs::is_directory(own / "file.damaged.1" / "full"));
    for (int i = 2; i < 30; ++i) {
        ASSERT_TRUE(replace_file(own / "file", as_bytes(std::to_string(i))));
        ASSERT_TRUE(set_aside(own / "file"));
    }
    EXPECT_LE(std::distance(fs::directory_iterator(own), {}), 10) << "bounded";
    EXPECT_EQ(set_aside(own / "none").error().kind, ErrorKind::Absent);
}

}  // namespace
}  // namespace packswarm
