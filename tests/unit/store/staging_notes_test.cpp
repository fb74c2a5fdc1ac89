#include "p2p/store/staging_notes.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"
#include "p2p/base/own_files.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/test_loop.hpp"

namespace packswarm::store {
namespace {

class StagingNotesTest : public testing::Test {
  protected:
    static Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }
    std::string text() const { return read_own_text(note_, limits::mib).value_or("none"); }

    test::TempDir folder_;
    const std::filesystem::path note_ = folder_.path() / "1.note";
    test::FakeLoop loop_;
    std::shared_ptr<StagingNotes> notes_ = std::make_shared<StagingNotes>(loop_);
};

TEST_F(StagingNotesTest, TheNewestCounts) {
    notes_->set(note_, bytes("first"));
    notes_->set(note_, bytes("second"));
    EXPECT_EQ(text(), "none") << "a worker writes it";
    loop_.drain();
    EXPECT_EQ(text(), "second");
    notes_->set(note_, bytes("third"));
    loop_.drain();
    EXPECT_EQ(text(), "third");
    notes_->set(note_, {});
    loop_.drain();
    EXPECT_EQ(text(), "none");
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(StagingNotesTest, WhatIsForgottenIsNotWritten) {
    notes_->set(note_, bytes("first"));
    notes_->forget(note_);
    loop_.drain();
    EXPECT_EQ(text(), "none");
}

TEST_F(StagingNotesTest, AtTheEndWhatWaitsIsWritten) {
    notes_->set(note_, bytes("last"));
    notes_->write_all();
    EXPECT_EQ(text(), "last");
}

}  // namespace
}  // namespace packswarm::store
