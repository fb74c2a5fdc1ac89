// Hashing: Sha256 (digests), Sha1 (piece hashes), MultiHasher (those of apt), and whole files or ranges of them. Over
// OpenSSL. Not here: deciding which digest is right (file_verifier.hpp). Any thread, one object at a time. Errors:
// those of reading, Transient (stopped).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::verify {

enum class HashKind { md5, sha1, sha256, sha512, sha3_256, sha3_512 };

class Hasher {
  public:
    explicit Hasher(HashKind kind);
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    ~Hasher();
    void add(ByteView bytes);
    std::string finish();  // raw bytes; the hasher starts anew

  private:
    struct State;
    std::unique_ptr<State> state_;
};

class Sha256 {
  public:
    void add(ByteView bytes) { hasher_.add(bytes); }
    Digest finish() { return Digest::from_raw(hasher_.finish().data()); }  // starts anew

  private:
    Hasher hasher_{HashKind::sha256};
};

class Sha1 {
  public:
    void add(ByteView bytes) { hasher_.add(bytes); }
    PieceHash finish() { return PieceHash::from_raw(hasher_.finish().data()); }  // starts anew

  private:
    Hasher hasher_{HashKind::sha1};
};

// The hashes of apt's method protocol (apt: doc/method.dbk): names are MD5Sum, SHA1, SHA256 and SHA512, and in its
// newest versions SHA3-256 and SHA3-512. SHA256 is always among them.
class MultiHasher {
  public:
    MultiHasher() : MultiHasher({"MD5Sum", "SHA1", "SHA256", "SHA512"}) {}
    explicit MultiHasher(const std::vector<std::string>& names);  // unknown names are left out
    void add(ByteView bytes);
    std::map<std::string, std::string> finish();  // name -> lower-case hexadecimal digits; starts anew

  private:
    std::map<std::string, Hasher> hashers_;
};

Digest digest_of(ByteView bytes);
PieceHash piece_hash_of(ByteView bytes);
Infohash infohash_of(std::string_view info_dictionary);

// Adds the bytes of range to hasher. Broken when the file ends before the range does.
Result<void> hash_range(const FileHandle& file, ByteRange range, Hasher& hasher);
Result<Digest> hash_file(const FileHandle& file);  // all of it, as long as it is now
Result<std::map<std::string, std::string>> hash_file(const FileHandle& file, const std::vector<std::string>& names);

// SHA-1 of each piece_length bytes of range, the last piece may be short; range.begin is where a piece starts.
Result<PieceHashes> piece_hashes(const FileHandle& file, ByteRange range, ByteCount piece_length);

}  // namespace packswarm::verify
