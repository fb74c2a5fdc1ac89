// The store's seat in simulations: files under their digest in a folder that should be memory (/dev/shm), nothing
// flushed, no quota, no table. It has to be called store::Vault, since nobody else may make a StoredFile: a program
// links this one or the real one.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "p2p/base/limits.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/broker/ports/store.hpp"

namespace packswarm::store {

class Vault final : public broker::Store {
  public:
    Vault(std::filesystem::path folder, Loop& loop) : folder_(std::move(folder)), loop_(loop) {}

    Result<ByteCount> arrive(const StagedFile& file, ByteCount) override { return file.size(); }
    Result<StagedFile> stage(ByteCount size, broker::Promise = broker::Promise::listed) override {
        return StagedFile::create(folder_ / std::to_string(++last_), size);
    }
    void note(const StagedFile&, ByteView) override {}
    void write(const StagedFile& file, std::vector<broker::FilePart> parts, broker::Then<void> then) override {
        Result<void> written;
        for (const auto& part : parts)
            if (written) written = file.write(part.offset, part.data);
        loop_.post([written, then = std::move(then)] { then(written); });
    }
    std::vector<broker::Leftover> leftovers() override { return {}; }
    ByteCount room() override { return limits::gib; }
    std::optional<StoredFile> find(const Digest& digest) override {
        const auto at = files_.find(digest);
        if (at == files_.end()) return std::nullopt;
        auto handle = at->second.file.file().handle().duplicate();
        if (!handle) return std::nullopt;
        return StoredFile(std::move(*handle), at->second.file.file().path(), digest, at->second.record.size);
    }
    std::optional<KeptFile> kept(const Digest&) override { return std::nullopt; }
    bool take_proof(const ProvenFile&) override { return false; }
    void drop_rotten(const KeptFile&, const Error&) override {}
    std::optional<broker::ArtifactRecord> record(const Digest& digest) override {
        const auto at = files_.find(digest);
        return at == files_.end() ? std::nullopt : std::optional(at->second.record);
    }
    std::optional<broker::ArtifactBrief> brief(const Digest& digest) override {
        const auto at = files_.find(digest);
        if (at == files_.end()) return std::nullopt;
        const auto& record = at->second.record;
        return broker::ArtifactBrief{
            StoredMark(digest, {record.size, 0, 0, 1}, !record.pieces.empty(), !record.signature.empty()),
            !record.lineage.empty(), record.is_root};
    }
    std::vector<Digest> digests() override {
        std::vector<Digest> out;
        for (const auto& [digest, kept] : files_) out.push_back(digest);
        return out;
    }
    std::vector<broker::ArtifactRecord> roots() override {
        std::vector<broker::ArtifactRecord> out;
        for (const auto& [digest, kept] : files_)
            if (kept.record.is_root) out.push_back(kept.record);
        return out;
    }
    void publish(VerifiedFile file, broker::ArtifactRecord record, broker::Then<StoredFile> then) override {
        const auto digest = file.digest();
        files_.insert_or_assign(digest, Kept{std::move(file), std::move(record)});
        loop_.post([this, alive = alive_, digest, then = std::move(then)] {
            if (*alive) then(*find(digest));
        });
    }
    void keep_signature(const Digest& digest, Bytes signature, Task kept) override {
        const auto at = files_.find(digest);
        if (at == files_.end()) return;
        at->second.record.signature = std::move(signature);
        loop_.post(std::move(kept));
    }
    void remove(const Digest& digest) override { files_.erase(digest); }
    void set_removed(std::function<void(const Digest&)>) override {}
    void set_spare(broker::Spare*) override {}
    ~Vault() override { *alive_ = false; }

  private:
    struct Kept {
        VerifiedFile file;
        broker::ArtifactRecord record;
    };
    const std::filesystem::path folder_;
    Loop& loop_;
    std::map<Digest, Kept> files_;
    std::uint64_t last_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace packswarm::store
