// Bytes change type as they earn trust: StagedFile (anything) -> VerifiedFile (its digest is vouched for) -> StoredFile
// (published under its digest; StoredMark: the same, not open). Only verify makes the second, only the store the third:
// sharing takes nothing else. Over a restart a StoredFile loses that trust: KeptFile (a disk may have spoiled it) ->
// ProvenFile (its digest is right again, only verify makes it) -> StoredFile.
// Handles are cheap to copy and share one open descriptor. Any thread; concurrent writers keep to different ranges.
#pragma once

#include <filesystem>
#include <memory>

#include "p2p/base/digest.hpp"
#include "p2p/base/file.hpp"

namespace packswarm {

namespace verify {
class FileVerifier;
class FileProver;
}  // namespace verify
namespace store {
class Vault;
}

// A file being put together. Its path disappears with the last handle unless the store has taken it over.
class StagedFile {
  public:
    // Creates path (which must not exist) with the given final size. Errors: Broken (no space, no permission).
    static Result<StagedFile> create(const std::filesystem::path& path, ByteCount size);
    // Goes on with a file that stands at path and has no other name. Refused: it is none such.
    static Result<StagedFile> reopen(const std::filesystem::path& path);
    // Takes over a file that stands at path already, for reading only: nobody writes into what other names may show.
    static Result<StagedFile> take_over(const std::filesystem::path& path);

    const FileHandle& handle() const { return state_->handle; }
    const std::filesystem::path& path() const { return state_->path; }
    ByteCount size() const { return state_->size; }
    Result<void> write(ByteCount offset, ByteView bytes) const;  // Refused beyond size
    // Shorter than it was said to become, once its size is known. Nothing of it has been handed out yet.
    Result<void> cut(ByteCount size) const;
    void keep() const { state_->kept = true; }  // the path now belongs to somebody else

  private:
    struct State {
        FileHandle handle;
        std::filesystem::path path;
        ByteCount size = 0;
        bool kept = false;
        ~State();
    };
    std::shared_ptr<State> state_;
};

class VerifiedFile {
  public:
    const StagedFile& file() const { return file_; }
    const Digest& digest() const { return digest_; }

  private:
    friend class verify::FileVerifier;
    VerifiedFile(StagedFile file, const Digest& digest) : file_(std::move(file)), digest_(digest) {}
    StagedFile file_;
    Digest digest_;
};

// What the store has under a digest, and nobody has hashed since this process started.
class KeptFile {
  public:
    const FileHandle& handle() const { return *handle_; }
    const std::shared_ptr<FileHandle>& shared_handle() const { return handle_; }
    const std::filesystem::path& path() const { return path_; }
    const Digest& digest() const { return digest_; }
    const FileInfo& info() const { return info_; }  // when it was opened
    ByteCount size() const { return info_.size; }

  private:
    friend class store::Vault;
    KeptFile(std::shared_ptr<FileHandle> handle, std::filesystem::path path, const Digest& digest, const FileInfo& info)
        : handle_(std::move(handle)), path_(std::move(path)), digest_(digest), info_(info) {}
    std::shared_ptr<FileHandle> handle_;
    std::filesystem::path path_;
    Digest digest_;
    FileInfo info_;
};

class ProvenFile {
  public:
    const KeptFile& file() const { return file_; }
    bool has_good_pieces() const { return has_good_pieces_; }  // the piece hashes beside it are those of its bytes

  private:
    friend class verify::FileProver;
    ProvenFile(KeptFile file, bool has_good_pieces) : file_(std::move(file)), has_good_pieces_(has_good_pieces) {}
    KeptFile file_;
    bool has_good_pieces_;
};

class StoredFile {
  public:
    const FileHandle& handle() const { return *handle_; }
    const std::filesystem::path& path() const { return path_; }
    const Digest& digest() const { return digest_; }
    ByteCount size() const { return size_; }

  private:
    friend class store::Vault;
    StoredFile(FileHandle handle, std::filesystem::path path, const Digest& digest, ByteCount size)
        : handle_(std::make_shared<FileHandle>(std::move(handle))),
          path_(std::move(path)),
          digest_(digest),
          size_(size) {}
    std::shared_ptr<FileHandle> handle_;
    std::filesystem::path path_;
    Digest digest_;
    ByteCount size_;
};

// A StoredFile that is not open: whoever opens it later looks whether it is still that one, untouched.
class StoredMark {
  public:
    const Digest& digest() const { return digest_; }
    const FileInfo& info() const { return info_; }
    ByteCount size() const { return info_.size; }
    bool has_pieces() const { return has_pieces_; }        // piece hashes of its canonical torrent are recorded
    bool has_signature() const { return has_signature_; }  // and so is its detached signature
    // It was hashed since this process started; else it goes to nobody.
    bool is_proven() const { return info_.changed_ns != 0; }

  private:
    friend class store::Vault;
    StoredMark(const Digest& digest, const FileInfo& info, bool has_pieces, bool has_signature)
        : digest_(digest), info_(info), has_pieces_(has_pieces), has_signature_(has_signature) {}
    Digest digest_;
    FileInfo info_;
    bool has_pieces_, has_signature_;
};

}  // namespace packswarm
