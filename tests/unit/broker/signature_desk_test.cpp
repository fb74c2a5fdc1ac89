#include "p2p/broker/signature_desk.hpp"

#include "p2p/base/limits.hpp"
#include "tests/unit/broker/pacman_fixture.hpp"

namespace packswarm::broker {
namespace {

constexpr PeerId honest{1}, liar{2};

// A pacman repository whose database does not carry its packages' signatures; mirrors and peers are made up, all else
// is real.
class SignatureDeskTest : public test::PacmanFixture {
  protected:
    void SetUp() override {
        PacmanFixture::SetUp();
        broker_.reset();
        broker_ = std::make_unique<Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                           BrokerSettings{Millis(3000), true, formats::all()});
        peers_.on_get = [this](PeerId peer, const Digest& digest, ByteRange range, GetEvents events) {
            return give(peer, digest, range, std::move(events));
        };
        package_.name = "tool";
        package_.file = test::pacman_package_file("tool", "1-1", "x86_64", std::string(30'000, 'x'));
        signature_ = sign(package_.file);
        mirrors_.files["/" + package_.file_name()] = package_.file;
        mirrors_.files["/" + package_.file_name() + ".sig"] = signature_;
    }
    void list(bool database_is_signed = true) {
        lab_.sharing = core::Sharing::allowed;
        use_lab(database_is_signed);
        accept({package_});
    }
    std::shared_ptr<Outcome> get(const std::string& ending = "") {
        return PacmanFixture::get(package_.file_name() + ending);
    }
    Digest digest() const { return digest_of(package_.file); }
    Bytes kept() { return vault_->record(digest()) ? vault_->record(digest())->signature : Bytes(); }
    static std::string text(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

    // ---- Peers: what each would give as the signature; the package is given by all
    void meet(PeerId peer, std::string gives) {
        peers_.around.connected = 1;
        peers_.observer->peer_up({peer,
                                  fmt::format("192.0.2.{}:6881", static_cast<int>(peer)),
                                  "",
                                  Reach::wan,
                                  {},
                                  0,
                                  0,
                                  static_cast<plan::AgentKey>(peer)});
        gives_[peer] = std::move(gives);
    }
    void tell() {
        for (const auto& [peer, signature] : gives_)
            peers_.observer->peer_offers({{peer,
                                           Reach::wan,
                                           digest(),
                                           static_cast<ByteCount>(package_.file.size()),
                                           {},
                                           static_cast<ByteCount>(signature.size())}});
    }
    FetchId give(PeerId peer, const Digest& asked, ByteRange range, GetEvents events) {
        EXPECT_EQ(asked, digest());
        const auto all = package_.file + gives_.at(peer);
        loop_.after(Millis(10),
                    [part = all.substr(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(range.length())),
                     begin = range.begin, events] {
                        events.data(begin, Bytes(part.begin(), part.end()));
                        events.done({});
                    });
        return FetchId{++gets_};
    }
    void mirrors_are_gone() { mirrors_.mirrors["http://lab"].fault = test::MirrorManner::Fault::refused_connection; }

    test::PacmanPackage package_;
    std::string signature_;
    std::map<PeerId, std::string> gives_;
    std::uint64_t gets_ = 0;
};

TEST_F(SignatureDeskTest, WhatAMirrorGaveIsHandedThroughAndKeptOnceItIsFoundGood) {
    list();
    const auto signature = get(".sig");
    loop_.advance(Millis(1'000));
    EXPECT_EQ(signature->bytes, signature_);
    EXPECT_TRUE(kept().empty());
    const auto package = get();
    loop_.advance(Millis(1'000));
    ASSERT_EQ(package->bytes, package_.file);
    EXPECT_EQ(text(kept()), signature_) << "once the package was there";
    mirrors_are_gone();
    const auto again = get(".sig");
    loop_.advance(Millis(1'000));
    EXPECT_EQ(again->bytes, signature_);
    EXPECT_EQ(broker_->counters().open, 0u);
}

TEST_F(SignatureDeskTest, IsAskedForAfterItsPackageAsWell) {
    list();
    get();
    loop_.advance(Millis(1'000));
    const auto signature = get(".sig"), twice = get(".sig");
    loop_.advance(Millis(1'000));
    EXPECT_EQ(signature->bytes, signature_);
    EXPECT_EQ(twice->bytes, signature_);
    EXPECT_EQ(text(kept()), signature_);
    EXPECT_EQ(mirrors_.sent["http://lab"], static_cast<ByteCount>(package_.file.size() + signature_.size()));
}

TEST_F(SignatureDeskTest, AWrongOneOfAMirrorIsThePackageManagersToJudgeAndIsNotKept) {
    list();
    mirrors_.files["/" + package_.file_name() + ".sig"] = "no signature at all";
    const auto package = get(), signature = get(".sig");
    loop_.advance(Millis(1'000));
    EXPECT_EQ(package->bytes, package_.file);
    EXPECT_EQ(signature->bytes, "no signature at all");
    EXPECT_TRUE(kept().empty());
}

TEST_F(SignatureDeskTest, WithoutMirrorsAPeerGivesItBesideThePackage) {
    list();
    mirrors_are_gone();
    meet(honest, signature_);
    const auto signature = get(".sig"), package = get();
    for (int i = 0; i < 8; ++i) {
        loop_.advance(Millis(500));
        tell();
    }
    loop_.advance(Millis(2'000));
    EXPECT_EQ(package->bytes, package_.file);
    EXPECT_EQ(signature->bytes, signature_) << signature->error;
    EXPECT_EQ(text(kept()), signature_);
    EXPECT_TRUE(peers_.blamed.empty());
}

TEST_F(SignatureDeskTest, ASilentMirrorIsNotWaitedFor) {
    list();
    const auto package = get();
    loop_.advance(Millis(1'000));
    ASSERT_EQ(package->bytes, package_.file);
    mirrors_.mirrors["http://lab"].fault = test::MirrorManner::Fault::silent;
    meet(honest, signature_);
    const auto signature = get(".sig");
    loop_.advance(Millis(1'600));
    tell();
    loop_.advance(Millis(400));
    EXPECT_EQ(signature->bytes, signature_);
    loop_.advance(Millis(60'000));
    EXPECT_EQ(broker_->counters().open, 0u);
}

TEST_F(SignatureDeskTest, APeerThatLiesIsBlamedAndTheNextOneAsked) {
    list();
    const auto package = get();
    loop_.advance(Millis(1'000));
    ASSERT_EQ(package->bytes, package_.file);
    mirrors_are_gone();
    meet(liar, sign("something else"));
    const auto signature = get(".sig");
    loop_.advance(Millis(100));
    tell();
    loop_.advance(Millis(500));
    EXPECT_EQ(peers_.blamed, std::vector{liar});
    EXPECT_TRUE(signature->bytes.empty());
    meet(honest, signature_);
    tell();
    loop_.advance(Millis(1'000));
    EXPECT_EQ(signature->bytes, signature_) << signature->error;
    EXPECT_EQ(peers_.blamed, std::vector{liar});
}

TEST_F(SignatureDeskTest, WithoutAnybodyItFailsAsTheMirrorsDid) {
    list();
    mirrors_are_gone();
    meet(honest, "");
    const auto signature = get(".sig");
    for (int i = 0; i < 20; ++i) {
        loop_.advance(Millis(500));
        tell();
    }
    EXPECT_TRUE(signature->bytes.empty());
    EXPECT_FALSE(signature->error.empty());
    EXPECT_EQ(gets_, 0u) << "who has none is not asked";
    EXPECT_EQ(broker_->counters().open, 0u);
}

TEST_F(SignatureDeskTest, APackageThatNeverComesLeavesNobodyWaiting) {
    list();
    mirrors_are_gone();
    meet(honest, signature_);
    const auto signature = get(".sig");
    loop_.advance(Millis(100));
    tell();
    loop_.advance(Millis(20'000));
    EXPECT_NE(signature->error.find("not here"), std::string::npos) << signature->error;
}

// Its database vouches for nothing: the package is delivered as one that may be shared because a peer had its
// signature.
TEST_F(SignatureDeskTest, VouchesForAPackageOfAnUnsignedDatabaseWithoutMirrors) {
    list(false);
    mirrors_are_gone();
    meet(liar, std::string(200, 'x'));
    meet(honest, signature_);
    const auto package = get();
    for (int i = 0; i < 12; ++i) {
        loop_.advance(Millis(500));
        tell();
    }
    EXPECT_EQ(package->bytes, package_.file) << package->error;
    EXPECT_EQ(text(kept()), signature_);
    EXPECT_EQ(peers_.shelf.count(digest()), 1u);
    const auto signature = get(".sig");
    loop_.advance(Millis(100));
    EXPECT_EQ(signature->bytes, signature_);
}

TEST_F(SignatureDeskTest, AnImportedPackageOfAnUnsignedDatabaseIsSharedOnceItsSignatureIsFoundGood) {
    list(false);
    mirrors_.mirrors["http://lab"].first_byte = Millis(500);
    keep(package_.file, package_.file_name());
    EXPECT_TRUE(vault_->find(digest()));
    EXPECT_FALSE(shelf_has(package_.file));
    loop_.advance(Millis(2'000));
    EXPECT_TRUE(shelf_has(package_.file));
    EXPECT_EQ(text(kept()), signature_);
}

TEST_F(SignatureDeskTest, AnImportedPackageWithAWrongSignatureIsKeptAndNotShared) {
    mirrors_.files["/" + package_.file_name() + ".sig"] = sign("something else");
    list(false);
    keep(package_.file, package_.file_name());
    loop_.advance(Millis(20'000));
    EXPECT_TRUE(vault_->find(digest()));
    EXPECT_FALSE(shelf_has(package_.file));
}

TEST_F(SignatureDeskTest, FloodsOfTellersAreBounded) {
    list();
    get();
    loop_.advance(Millis(1'000));
    mirrors_are_gone();
    const auto wrong = sign("something else");
    for (unsigned i = 10; i < 110; ++i) meet(PeerId{i}, wrong);
    get(".sig");
    for (int i = 0; i < 20; ++i) {
        loop_.advance(Millis(500));
        tell();
    }
    EXPECT_LE(gets_, 16u);
    EXPECT_EQ(broker_->counters().open, 0u);
}

}  // namespace
}  // namespace packswarm::broker
